"""Raw items and sensors in columns of their own. Nullable columns without a default: nothing is rewritten on a full table."""

from django.db import migrations, models

_COLUMNS = (
    ("humidity_pct", "float8", models.FloatField(null=True)),
    ("battery_pct", "float8", models.FloatField(null=True)),
    ("shock_g", "float8", models.FloatField(null=True)),
    ("lock_events", "int2", models.SmallIntegerField(null=True)),
    ("lock_closed", "boolean", models.BooleanField(null=True)),
    ("items", "bytea", models.BinaryField(null=True)),
)


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE telemetry_position "
                    + ", ".join(f"ADD COLUMN {name} {kind} NULL" for name, kind, _field in _COLUMNS),
                    "ALTER TABLE telemetry_position "
                    + ", ".join(f"DROP COLUMN {name}" for name, _kind, _field in _COLUMNS),
                )
            ],
            state_operations=[
                migrations.AddField("Position", name, field) for name, _kind, field in _COLUMNS
            ],
        )
    ]
