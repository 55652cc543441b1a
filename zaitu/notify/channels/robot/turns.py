"""A robot's turns, in its row: all couriers of all processes share its rate."""

from datetime import datetime, timedelta

from django.db import transaction

from zaitu.notify.channels.robots import Rate, wait_s
from zaitu.notify.models import StaffRobot


def turn(robot_id: int, rates: tuple[Rate, ...], now: datetime) -> float:
    """Take a turn now; more than 0: not yet, in so many seconds."""
    with transaction.atomic():
        row = StaffRobot.objects.select_for_update().get(pk=robot_id)
        if row.paused_until is not None and row.paused_until > now:
            return (row.paused_until - now).total_seconds()
        wait = wait_s(row.recent, rates, now)
        if wait <= 0:
            longest = timedelta(seconds=max(rate.within_s for rate in rates))
            row.recent = [*(at for at in row.recent if now - at < longest), now]
            row.save(update_fields=["recent"])
        return wait


def pause(robot_id: int, until: datetime) -> None:
    StaffRobot.objects.filter(pk=robot_id).update(paused_until=until)


def worked(robot_id: int, now: datetime) -> None:
    StaffRobot.objects.filter(pk=robot_id).update(paused_until=None, last_ok_at=now)
