"""A person is told by one way after the other, and receipts come back. Takes milliseconds: constants become the old rows' values."""

from django.db import migrations, models

import zaitu.kernel.crypto
from zaitu.kernel import clock
from zaitu.notify.domain.delivery import Channel, State
from zaitu.notify.domain.ways import Urgency


class Migration(migrations.Migration):
    dependencies = [("notify", "0002_messages_blanked")]

    operations = [
        migrations.CreateModel(
            name="ClosedWay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person", models.CharField(max_length=60)),
                ("channel", models.CharField(max_length=10)),
                ("address", zaitu.kernel.crypto.EncryptedTextField()),
                ("why", models.CharField(blank=True, default="", max_length=300)),
                ("closed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["person", "channel"], name="notify_closed_once")
                ]
            },
        ),
        migrations.CreateModel(
            name="ReceiptIn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("ref", models.CharField(max_length=100)),
                ("delivered", models.BooleanField()),
                ("at", models.DateTimeField()),
                ("code", models.CharField(blank=True, default="", max_length=40)),
                ("note", models.CharField(blank=True, default="", max_length=300)),
                ("gone", models.BooleanField(default=False)),
                ("received_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["provider", "ref", "delivered"], name="notify_receipt_once"
                    )
                ]
            },
        ),
        *(
            migrations.AddField(model_name="attempt", name=name, field=field)
            for name, field in (
                ("channel", models.CharField(blank=True, default="", max_length=10)),
                ("provider", models.CharField(blank=True, default="", max_length=20)),
                ("reason", models.CharField(blank=True, default="", max_length=60)),
                ("ref", models.CharField(blank=True, default="", max_length=100)),
                ("parts", models.PositiveSmallIntegerField(default=1)),
                ("cost_fen", models.PositiveIntegerField(default=0)),
                ("receipt", models.CharField(blank=True, default="", max_length=10)),
                ("receipt_at", models.DateTimeField(blank=True, null=True)),
                ("receipt_note", models.CharField(blank=True, default="", max_length=300)),
            )
        ),
        *(
            migrations.AddField(model_name="message", name=name, field=field, preserve_default=kept)
            for name, field, kept in (
                ("ways", zaitu.kernel.crypto.EncryptedTextField(blank=True, default=""), True),
                ("way_since", models.DateTimeField(default=clock.now), False),
                ("fall_back_at", models.DateTimeField(blank=True, null=True), True),
                ("urgency", models.PositiveSmallIntegerField(default=Urgency.USUAL.value), False),
                ("delivered_at", models.DateTimeField(blank=True, null=True), True),
            )
        ),
        migrations.AlterField(
            model_name="message",
            name="channel",
            field=models.CharField(choices=[(one.value, one.value) for one in Channel], max_length=10),
        ),
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.CharField(
                choices=[(one.value, one.value) for one in State], default=State.QUEUED.value, max_length=10
            ),
        ),
    ]
