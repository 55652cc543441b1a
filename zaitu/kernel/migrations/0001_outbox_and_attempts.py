from typing import Any

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models


class TransactionIdField(models.Field):  # type: ignore[type-arg]  # nothing reads it in Python
    """`xid8`; the column went with 0002."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class CurrentTransaction(models.Func):
    function = "pg_current_xact_id"
    arity = 0
    output_field = TransactionIdField()


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Attempts",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "at",
                    django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None),
                ),
                ("allowed", models.BooleanField()),
                ("forget_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="OutboxHold",
            fields=[
                ("subject", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("row_id", models.BigIntegerField()),
                ("tries", models.JSONField()),
                ("error", models.TextField()),
                ("retry_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="OutboxPoison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("subject", models.CharField(max_length=100)),
                ("body", models.JSONField()),
                ("handler", models.CharField(max_length=200)),
                ("tries", models.SmallIntegerField()),
                ("error", models.TextField()),
                ("put_at", models.DateTimeField()),
                ("set_aside_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="OutboxRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "transaction",
                    TransactionIdField(db_default=CurrentTransaction()),
                ),
                ("name", models.CharField(max_length=80)),
                ("subject", models.CharField(max_length=100)),
                ("partition", models.SmallIntegerField()),
                ("body", models.JSONField()),
                (
                    "done",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
                ("only_for", models.CharField(blank=True, default="", max_length=200)),
                ("put_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [models.Index(fields=["partition", "id"], name="outbox_partition")],
            },
        ),
        # A queue's rows live for milliseconds: clean up by count, not by share of a table that is usually empty.
        migrations.RunSQL(
            """ALTER TABLE kernel_outboxrow SET (
                autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000)""",
            migrations.RunSQL.noop,
        ),
    ]
