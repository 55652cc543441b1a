"""Positions are found by b-trees of each partition, built when it is calm or over (ADR 75); the table itself has none.

Dropping is a matter of milliseconds however full the table is; the keeper builds partitions' own ones afterwards, beside the writers.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_rules")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveIndex("Position", "telemetry_position_vehicle")],
            database_operations=[
                migrations.RunSQL(
                    [
                        "ALTER TABLE telemetry_position DROP CONSTRAINT telemetry_position_pkey",
                        "DROP INDEX telemetry_position_vehicle",
                        "CREATE INDEX telemetry_position_default_terminal ON telemetry_position_default (terminal_id, at)",
                        "CREATE INDEX telemetry_position_default_vehicle ON telemetry_position_default (vehicle_id, at) WHERE vehicle_id IS NOT NULL",
                    ],
                    [
                        "DROP INDEX telemetry_position_default_terminal, telemetry_position_default_vehicle",
                        "CREATE INDEX telemetry_position_vehicle ON telemetry_position (vehicle_id, at) WHERE vehicle_id IS NOT NULL",
                        "ALTER TABLE telemetry_position ADD PRIMARY KEY (terminal_id, at, digest)",
                    ],
                )
            ],
        )
    ]
