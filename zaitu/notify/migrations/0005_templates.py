"""The company's own templates. Takes milliseconds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notify", "0004_ways_indexes")]

    operations = [
        migrations.CreateModel(
            name="MessageTemplate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("channel", models.CharField(max_length=10)),
                ("language", models.CharField(max_length=10)),
                ("text", models.CharField(max_length=500)),
                ("code", models.CharField(blank=True, default="", max_length=100)),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.CharField(max_length=80)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["kind", "channel", "language"], name="notify_one_template"
                    )
                ]
            },
        ),
    ]
