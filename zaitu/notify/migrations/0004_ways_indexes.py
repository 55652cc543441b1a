"""One message for each fact, person and purpose, on whatever channel. Indexes are built beside the couriers' work."""

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import Q

_OPEN = Q(state__in=["queued", "sending"])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notify", "0003_ways")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(
                fields=["channel", "urgency", "next_at"],
                condition=_OPEN & Q(endpoint__isnull=True),
                name="notify_due_person",
            ),
        ),
        AddIndexConcurrently(
            "message",
            models.Index(
                fields=["fall_back_at"], condition=Q(fall_back_at__isnull=False), name="notify_fall_back"
            ),
        ),
        AddIndexConcurrently(
            "attempt",
            models.Index(fields=["provider", "ref"], condition=~Q(ref=""), name="notify_ref"),
        ),
        RemoveIndexConcurrently("message", "notify_due_email"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("message", "notify_one_per_fact"),
                migrations.AddConstraint(
                    "message",
                    models.UniqueConstraint(
                        fields=["fact", "person", "purpose"], name="notify_one_per_person"
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    [
                        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS notify_one_per_person ON notify_message (fact, person, purpose)",
                        "ALTER TABLE notify_message DROP CONSTRAINT IF EXISTS notify_one_per_fact",
                    ],
                    [
                        "CREATE UNIQUE INDEX CONCURRENTLY notify_one_per_fact ON notify_message (fact, person, purpose, channel)",
                        "ALTER TABLE notify_message ADD CONSTRAINT notify_one_per_fact UNIQUE USING INDEX notify_one_per_fact",
                        "DROP INDEX notify_one_per_person",
                    ],
                )
            ],
        ),
        migrations.RemoveConstraint("message", "notify_endpoint_iff_webhook"),
        AddConstraintNotValid(
            "message",
            models.CheckConstraint(
                condition=Q(channel="webhook", endpoint__isnull=False)
                | (~Q(channel="webhook") & Q(endpoint__isnull=True)),
                name="notify_endpoint_if_webhook",
            ),
        ),
        ValidateConstraint("message", "notify_endpoint_if_webhook"),
    ]
