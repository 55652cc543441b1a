"""The tries to an address are found by its index, which is built beside the couriers' work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notify", "0008_inbound")]

    operations = [
        AddIndexConcurrently(
            "attempt",
            models.Index(
                fields=["address_index", "id"], condition=~Q(address_index=""), name="notify_attempt_to"
            ),
        )
    ]
