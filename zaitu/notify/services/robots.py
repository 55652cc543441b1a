"""Robots in staff's groups: added, tried, switched, taken away, and told."""

import json
import uuid
from datetime import timedelta
from typing import Final

from django.db import transaction

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Principal
from zaitu.notify.domain.alerts import ROBOTS_MOST, Alert, RobotDraft, RobotView, alert_words, robot_checked
from zaitu.notify.domain.delivery import OPEN_STATES, Channel, State
from zaitu.notify.domain.notices import Kind, useful_until
from zaitu.notify.domain.ways import Urgency
from zaitu.notify.models import Message, StaffRobot
from zaitu.notify.selectors import robot_view

_TEST_USEFUL: Final = timedelta(minutes=10)
_FACT_MAX: Final = 100
SWITCHED_OFF: Final = "已由管理方停用"
NOTE_OFF: Final = "机器人已停用"
NOTE_REMOVED: Final = "机器人已删除"


@transaction.atomic
def robot_add(*, actor: Principal, draft: RobotDraft) -> RobotView:
    provider, token, kinds = robot_checked(draft)
    if StaffRobot.objects.filter(removed_at=None).count() >= ROBOTS_MOST:
        raise RuleBroken(f"最多 {ROBOTS_MOST} 个机器人，请先删除不用的")
    robot = StaffRobot.objects.create(
        name=draft.name.strip(),
        provider=provider,
        address=token,
        secret=draft.secret.strip(),
        kinds=kinds,
        created_at=clock.now(),
    )
    _audit(actor, "robot.create", robot)
    return robot_view(robot)


@transaction.atomic
def robot_switch(*, actor: Principal, robot_id: int, active: bool) -> RobotView:
    robot = _locked(robot_id)
    if active and robot.disabled_at is not None:
        robot.disabled_at, robot.disabled_why, robot.paused_until = None, "", None
        robot.save(update_fields=["disabled_at", "disabled_why", "paused_until"])
        _audit(actor, "robot.enable", robot)
    elif not active and robot.disabled_at is None:
        robot_disable(robot_id=robot.pk, why=SWITCHED_OFF)
        robot.refresh_from_db()
        _audit(actor, "robot.disable", robot)
    return robot_view(robot)


def robot_disable(*, robot_id: int, why: str) -> None:
    """Nothing more goes there until somebody switches it on; what still waits is given up."""
    StaffRobot.objects.filter(pk=robot_id, disabled_at=None).update(
        disabled_at=clock.now(), disabled_why=why[:100]
    )
    _give_up(robot_id, NOTE_OFF)


@transaction.atomic
def robot_remove(*, actor: Principal, robot_id: int) -> None:
    robot = _locked(robot_id)
    # Its token writes into somebody's group: it is not kept longer than it is used.
    robot.removed_at, robot.address, robot.secret = clock.now(), "", ""
    robot.save(update_fields=["removed_at", "address", "secret"])
    _give_up(robot.pk, NOTE_REMOVED)
    _audit(actor, "robot.remove", robot)


@transaction.atomic
def robot_test(*, actor: Principal, robot_id: int) -> None:
    robot = _locked(robot_id)
    if robot.disabled_at is not None:
        raise RuleBroken("机器人已停用，请先启用")
    waiting = Message.objects.filter(person=person_of(robot), purpose=Kind.TEST, state__in=OPEN_STATES)
    if waiting.exists():
        raise RuleBroken("上一条测试消息还在发送，请稍后再试")
    now = clock.now()
    words = {"title": "在途测试消息", "text": "收到这条消息，说明机器人已接好。", "link": ""}
    row = _message(robot, Kind.TEST, f"test:{uuid.uuid4()}", words)
    row.useful_until = now + _TEST_USEFUL
    row.save(force_insert=True)
    _audit(actor, "robot.test", robot)


def alert_staff(*, alert: Alert) -> int:
    """One row for each robot that wants the kind, in the caller's transaction; those that are there stay. How many wanted it."""
    if not alert.fact or len(alert.fact) > _FACT_MAX:
        raise Invalid("提醒没有编号", fields={"fact": alert.fact[:_FACT_MAX]})
    words = alert_words(alert)
    rows = []
    for robot in StaffRobot.objects.filter(removed_at=None, disabled_at=None):
        if not robot.kinds or alert.kind.value in robot.kinds:
            row = _message(robot, Kind.ALERT, alert.fact, words)
            row.urgency, row.waybill, row.at = alert.urgency, alert.waybill, alert.at
            rows.append(row)
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def person_of(robot: StaffRobot) -> str:
    return f"robot:{robot.pk}"


def _message(robot: StaffRobot, kind: Kind, fact: str, words: dict[str, str]) -> Message:
    """On its way to a robot; its address is looked up when it is sent."""
    now = clock.now()
    return Message(
        id=uuid.uuid4(),
        fact=fact,
        person=person_of(robot),
        purpose=kind,
        channel=Channel.ROBOT,
        way_since=now,
        urgency=Urgency.USUAL,
        subject=words["title"],
        words=json.dumps(words, ensure_ascii=False),
        at=now,
        created_at=now,
        useful_until=useful_until(kind, by_webhook=False, since=now),
        state=State.QUEUED,
        next_at=now,
    )


def _give_up(robot_id: int, note: str) -> None:
    waiting = Message.objects.filter(person=f"robot:{robot_id}", channel=Channel.ROBOT, state=State.QUEUED)
    waiting.update(state=State.GIVEN_UP, note=note)


def _locked(robot_id: int) -> StaffRobot:
    robot = StaffRobot.objects.select_for_update().filter(pk=robot_id, removed_at=None).first()
    if robot is None:
        raise NotFound("没有这个机器人")
    return robot


def _audit(actor: Principal, action: str, robot: StaffRobot) -> None:
    audit(
        actor=actor,
        action=action,
        subject=f"robot:{robot.pk}",
        detail={"name": robot.name, "provider": robot.provider},
    )
