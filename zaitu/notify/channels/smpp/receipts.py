"""Receipts of SMPP: the text that nearly all servers write (appendix B of the standard), and the TLVs beside it. Pure."""

import re
from datetime import UTC, datetime
from typing import Final

from zaitu.kernel.clock import CHINA
from zaitu.notify.channels.smpp import codec
from zaitu.notify.domain.ways import Receipt

_STATES: Final = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_UNDERWAY: Final = frozenset({"ENROUTE", "ACCEPTD", "SCHEDULED", "BUFFRED"})
"""Tell nothing final: another one follows."""
_WORDS: Final = {
    "DELIVRD": "已送达",
    "EXPIRED": "在有效期内没有送达",
    "DELETED": "已被运营商删除",
    "UNDELIV": "无法送达",
    "UNKNOWN": "运营商不知道结果",
    "REJECTD": "被运营商拒绝",
}
_FIELD: Final = re.compile(r"\b(id|stat|err|done date):\s*(\S+)", re.IGNORECASE)
_SHAPES: Final = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}


class NoReceipt(ValueError):
    """It names no message, or no state."""


def receipt(message: codec.Deliver, now: datetime, *, hex_ids: bool = False) -> Receipt | None:
    """None: nothing final. Raises NoReceipt. Its time is taken as China's; `now` where it makes no sense."""
    text = message.content.decode("latin-1")
    said = {name.lower(): value for name, value in reversed(_FIELD.findall(text.replace("\0", " ")))}
    named = message.tlv(codec.TAG_RECEIPTED_MESSAGE_ID).rstrip(b"\0").decode("latin-1")
    ref = _decimal(named, said.get("id", "")) if hex_ids else named or said.get("id", "")
    state = message.tlv(codec.TAG_MESSAGE_STATE)
    stat = _STATES.get(state[0], "UNKNOWN") if state else said.get("stat", "").upper()[:20]
    if not ref or not stat or "\0" in ref:
        raise NoReceipt("it names no message" if stat else "it names no state")
    if stat in _UNDERWAY:
        return None
    error = said.get("err", "")[:10].strip("0")
    word = _WORDS.get(stat, f"未送达：{stat}")
    return Receipt(
        ref=ref[:100],
        delivered=stat == "DELIVRD",
        at=_at(said.get("done date", ""), now),
        code=f"{stat} {said['err'][:10]}" if error else stat,
        note=word if stat == "DELIVRD" or not error else f"{word}（{said['err'][:10]}）",
    )


def decimal(name: str, base: int) -> str:
    """A number in decimal, without zeros before it; what is no number stays."""
    try:
        return str(int(name, base))
    except ValueError:
        return name


def _decimal(named: str, told: str) -> str:
    """The text names it in decimal, the TLV as it was answered, in hexadecimal."""
    return decimal(told, 10) if told else decimal(named, 16)


def _at(text: str, now: datetime) -> datetime:
    try:
        return datetime.strptime(text, _SHAPES[len(text)]).replace(tzinfo=CHINA).astimezone(UTC)
    except (KeyError, ValueError):
        return now
