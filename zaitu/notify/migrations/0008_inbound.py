"""What people write back, and where each try went. Takes milliseconds: constants become the old rows' values."""

from django.db import migrations, models

import zaitu.kernel.crypto


class Migration(migrations.Migration):
    dependencies = [("notify", "0007_preferences_indexes")]

    operations = [
        migrations.CreateModel(
            name="Inbound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("ref", models.CharField(max_length=100)),
                ("channel", models.CharField(max_length=10)),
                ("person", models.CharField(blank=True, db_index=True, default="", max_length=60)),
                ("waybill", models.CharField(blank=True, default="", max_length=20)),
                ("address", zaitu.kernel.crypto.EncryptedTextField(blank=True, default="")),
                ("text", zaitu.kernel.crypto.EncryptedTextField(blank=True, default="")),
                ("unsubscribed", models.BooleanField(default=False)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField(db_index=True)),
                ("blanked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(fields=["provider", "ref"], name="notify_inbound_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="address",
            field=zaitu.kernel.crypto.EncryptedTextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="attempt",
            name="address_index",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
    ]
