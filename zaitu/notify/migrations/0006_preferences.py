"""What people want to be told, and messages told together. Takes milliseconds; indexes follow beside the couriers' work."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from zaitu.notify.domain.delivery import State


class Migration(migrations.Migration):
    dependencies = [("notify", "0005_templates")]

    operations = [
        migrations.CreateModel(
            name="PersonPreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person", models.CharField(max_length=60, unique=True)),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10), blank=True, default=list, size=None
                    ),
                ),
                ("quiet_from", models.TimeField()),
                ("quiet_until", models.TimeField()),
                (
                    "digests",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TimeField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "off",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                ("language", models.CharField(max_length=10)),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.CharField(max_length=80)),
            ],
        ),
        migrations.AddField(
            model_name="message",
            name="bundle",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="notify.message",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.CharField(
                choices=[(one.value, one.value) for one in State], default=State.QUEUED.value, max_length=10
            ),
        ),
    ]
