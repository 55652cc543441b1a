"""Parts of long SMS, each with a receipt of its own. A new table: takes milliseconds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notify", "0009_attempt_to"),
    ]

    operations = [
        migrations.CreateModel(
            name="SmsPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("ref", models.CharField(max_length=100)),
                ("whole", models.UUIDField()),
                ("number", models.PositiveSmallIntegerField()),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={
                "indexes": [models.Index(fields=["provider", "whole"], name="notify_sms_whole")],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "ref"), name="notify_sms_part_once")
                ],
            },
        ),
    ]
