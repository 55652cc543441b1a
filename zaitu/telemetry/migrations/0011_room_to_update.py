"""Rows that are written once a second find room for their next version on their own page, and no index needs to hear of it.

Takes milliseconds: pages are written so as they are written anyway. The index was for finding late fixes, which memory knows now.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0010_commands")]

    operations = [
        migrations.RemoveIndex("VehicleState", "telemetry_state_late"),
        migrations.RunSQL(
            [
                "ALTER TABLE telemetry_vehiclestate SET (fillfactor = 50)",
                "ALTER TABLE telemetry_terminal SET (fillfactor = 50)",
            ],
            [
                "ALTER TABLE telemetry_vehiclestate RESET (fillfactor)",
                "ALTER TABLE telemetry_terminal RESET (fillfactor)",
            ],
        ),
    ]
