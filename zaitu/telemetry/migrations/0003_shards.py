"""Who writes which part of the fleet; and what was received last, found without reading the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0002_columns")]

    operations = [
        migrations.CreateModel(
            name="Shard",
            fields=[
                ("number", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField()),
                ("sequence", models.BigIntegerField()),
                ("flushed_at", models.DateTimeField(null=True)),
                ("holder", models.CharField(blank=True, max_length=40)),
                ("lease_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="IngestWorker",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            "CREATE INDEX telemetry_position_received ON telemetry_position USING brin (received_at) WITH (pages_per_range = 32)",
            "DROP INDEX telemetry_position_received",
        ),
    ]
