from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journey", "0002_legs_left_behind"),
    ]

    operations = [
        migrations.AddField(
            model_name="tripstop",
            name="eta_told",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(
            "UPDATE journey_tripstop SET eta_told = eta WHERE eta IS NOT NULL", migrations.RunSQL.noop
        ),
    ]
