"""WeChat: tokens, who is reached by which openid, how often. Robots of staff. What was called back. Takes milliseconds."""

import django.contrib.postgres.fields
from django.db import migrations, models

import zaitu.kernel.crypto


class Migration(migrations.Migration):
    dependencies = [
        ("notify", "0010_sms_parts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("app", models.CharField(max_length=60, unique=True)),
                ("token", zaitu.kernel.crypto.EncryptedTextField(blank=True, default="")),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("renew_at", models.DateTimeField(blank=True, null=True)),
                ("forced_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="StaffRobot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                (
                    "provider",
                    models.CharField(
                        choices=[("wecom", "wecom"), ("dingtalk", "dingtalk"), ("feishu", "feishu")],
                        max_length=10,
                    ),
                ),
                ("address", zaitu.kernel.crypto.EncryptedTextField()),
                ("secret", zaitu.kernel.crypto.EncryptedTextField(blank=True, default="")),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                (
                    "recent",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), blank=True, default=list, size=None
                    ),
                ),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ("disabled_why", models.CharField(blank=True, default="", max_length=100)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("last_ok_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="CallbackSeen",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=70)),
                ("digest", models.CharField(blank=True, default="", max_length=64)),
                ("seen_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "key"), name="notify_callback_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionCredit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=10)),
                ("openid", zaitu.kernel.crypto.EncryptedTextField()),
                ("openid_index", models.CharField(max_length=32)),
                ("template", models.CharField(max_length=100)),
                ("left", models.PositiveSmallIntegerField(default=0)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_by", models.CharField(blank=True, default="", max_length=10)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "openid_index", "template"), name="notify_credit_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WechatPerson",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=10)),
                ("person", models.CharField(db_index=True, max_length=60)),
                ("openid", zaitu.kernel.crypto.EncryptedTextField()),
                ("openid_index", models.CharField(max_length=32)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "openid_index", "person"), name="notify_wechat_person_once"
                    )
                ],
            },
        ),
    ]
