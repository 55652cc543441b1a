"""One turn of a call: the state before, the conversation, and what is kept of it. For every door; blocks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from zaitu.hotline import public as hotline
from zaitu.kernel.principal import Principal
from zaitu.portal import asked
from zaitu.portal.ivr.session import Heard, IvrSession, State, Then
from zaitu.portal.ivr.spoken import text_plain, text_ssml
from zaitu.portal.ivr.world import CallWorld

_WHY: Final = {
    "asked": "来电人要求人工",
    "number": "三次没有查到单号",
    "tail": "三次核对手机号后四位不一致",
    "lost": "三次没有听清选择",
    "limit": "查询次数过多",
    "long": "通话太长",
}
_VERIFIED: Final = {"": "未核实", "caller": "来电号码是收发货人", "tail": "已核对手机号后四位"}
_ASKED: Final = {"status": "状态", "details": "签收和位置", "sms": "短信链接"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One turn as a telephone system tells it."""

    door: str
    call_id: str
    caller: str = ""
    turn: int | None = None
    heard: Heard | None = None
    """None: the call has just come."""


def answer(actor: Principal, incoming: Incoming) -> Mapping[str, Any]:
    """The answer of the HTTP node's shape; every other door takes from it what it needs. Raises as `hotline.call_turn`."""
    began = time.monotonic()
    counted: list[str] = []

    def converse(state: Mapping[str, Any] | None, caller: str, call: int) -> hotline.Turn:
        before = State() if state is None else State.unpacked(state)
        world = CallWorld(caller=caller, call=call)
        session = IvrSession(world, before)
        reply = session.begin() if state is None or incoming.heard is None else session.hear(incoming.heard)
        after = session.state
        counted.extend(_outcomes(before, after))
        return hotline.Turn(
            state=after.packed(),
            reply={
                "say": text_plain(reply.say),
                "ssml": text_ssml(reply.say),
                "then": reply.then.value,
                "digits_max": reply.digits_max,
                "digits_end": "#" if reply.digits_max else "",
                "wait_s": reply.wait_s,
                "waybill": after.waybill,
                "verified": after.verified.value,
                "asked": ",".join(after.asked),
                "why": after.why.value,
                "summary": summary(after) if reply.then is Then.PERSON else "",
            },
            waybill=after.waybill,
            told=after.told,
            verified=after.verified.value,
            asked=tuple(one.value for one in after.asked),
            why=after.why.value,
            outcome=_outcome(after),
            person=world.person,
            role=world.role,
        )

    said = hotline.call_turn(
        actor=actor,
        door=incoming.door,
        call_id=incoming.call_id,
        caller=incoming.caller,
        turn=incoming.turn,
        converse=converse,
    )
    for outcome in counted:
        asked.asked(asked.HOTLINE, outcome, time.monotonic() - began)
    return said


def _outcome(state: State) -> hotline.Outcome:
    if state.then is Then.PERSON:
        return hotline.Outcome.PERSON
    if state.then is Then.HANG_UP:
        return hotline.Outcome.SERVED if state.told else hotline.Outcome.LEFT
    return hotline.Outcome.RUNNING


def _outcomes(before: State, after: State) -> list[str]:
    """The questions that this turn has brought to an end."""
    if len(after.told) > len(before.told):
        return [asked.ANSWERED]
    if after.wrong_numbers > before.wrong_numbers:
        return [asked.UNKNOWN]
    if after.then is Then.PERSON and before.then is not Then.PERSON:
        return [asked.PERSON]
    return []


def summary(state: State) -> str:
    """What the person who takes over should know, in one line; no personal data."""
    questions = "、".join(_ASKED[one] for one in state.asked if one in _ASKED)
    parts = [
        f"运单 {state.waybill}" if state.waybill else "没有查到运单",
        _VERIFIED[state.verified],
        f"问过：{questions}" if questions else "",
        _WHY.get(state.why, ""),
    ]
    return "；".join(filter(None, parts))
