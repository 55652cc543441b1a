"""What the rules remember is one document; stays at stops are part of it. A default of the database: nothing is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0003_shards")]

    operations = [
        migrations.AddField("VehicleState", "rules", models.JSONField(default=dict, db_default={})),
        migrations.RemoveField("VehicleState", "visits"),
    ]
