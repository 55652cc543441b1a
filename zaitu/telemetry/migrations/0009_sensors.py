"""Sensors are terminals too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0008_uplinks")]

    operations = [
        migrations.RemoveConstraint("Terminal", "telemetry_terminal_kind"),
        migrations.AddConstraint(
            "Terminal",
            models.CheckConstraint(
                condition=models.Q(("kind__in", ["jt808", "elock", "osmand", "mqtt"])),
                name="telemetry_terminal_kind",
            ),
        ),
    ]
