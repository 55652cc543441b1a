"""Rows that cannot be looked for yet have a table of their own. Takes milliseconds."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0011_room_to_update")]

    operations = [
        migrations.RunSQL(
            "CREATE TABLE telemetry_doubtful (LIKE telemetry_position INCLUDING DEFAULTS)",
            "DROP TABLE telemetry_doubtful",
        ),
    ]
