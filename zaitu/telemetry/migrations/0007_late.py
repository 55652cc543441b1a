"""When the first of a vehicle's late fixes came. A nullable column without a default: nothing is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0006_archive")]

    operations = [migrations.AddField("VehicleState", "late_since", models.DateTimeField(null=True))]
