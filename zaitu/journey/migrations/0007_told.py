"""The ETA that people were last told. Takes milliseconds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("journey", "0006_stop_heard_again")]

    operations = [
        migrations.AddField(model_name="shipment", name=name, field=models.DateTimeField(null=True))
        for name in ("told_from", "told_to")
    ]
