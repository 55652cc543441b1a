"""What a robot was told is found by an index. Made while messages are written: it reads the whole table once."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notify", "0011_wechat_and_robots")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(
                fields=["person", "-created_at"], condition=models.Q(channel="robot"), name="notify_robot"
            ),
        ),
    ]
