"""A person's messages are found by index. Built beside the couriers' work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notify", "0006_preferences")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(fields=["person", "next_at"], condition=Q(state="held"), name="notify_held"),
        ),
        AddIndexConcurrently("message", models.Index(fields=["person", "created_at"], name="notify_person")),
    ]
