"""Electronic locks that speak in the items of a position; who means what is the profile's to say.

Sources: Jointech's public SDK for the JT709 (item 0B, status and alarm bits), the event table of the G-300 padlock family (item 60),
recorded frames of both and of Bluetooth locks (63, D5, DA).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from zaitu.telemetry.codecs.jt808.profiles import Locks
from zaitu.telemetry.codecs.locks import NO_EVENT, LockEvent

Items = tuple[tuple[int, bytes], ...]

# JT709, item 0B, first byte. A password or a card decides, then perhaps the fence does.
_PASSWORD: Final = frozenset({0x01, 0x02, 0x03, 0x05, 0x1E, 0x1F})
_PASSWORD_WRONG: Final = frozenset({0x06, 0x07, 0x08, 0x10, 0x11, 0x18, 0x19, 0x20, 0x28, 0x29})
_CARD: Final = 0x22
_CARD_WRONG: Final = frozenset({0x23, 0x2A, 0x2B})
_REFUSED: Final = 0xFF
_JOINTECH_ALARMS: Final = {7: LockEvent.LOW_BATTERY, 16: LockEvent.COVER_OPENED}
_ROPE_OUT, _MOTOR_OPEN = 20, 21
_PADLOCK_EVENTS: Final = {
    0x00: LockEvent.CLOSED,
    0x01: LockEvent.OPENED,
    0x02: LockEvent.CLOSED,
    0x03: LockEvent.CLOSED,
    0x04: LockEvent.OPENED,
    0x05: LockEvent.CLOSED,
    0x06: LockEvent.OPENED,
    0x07: LockEvent.CLOSED,
    0x08: LockEvent.OPENED,
    0x09: LockEvent.CLOSED,
    0x0A: LockEvent.OPENED,
    0x0B: LockEvent.UNAUTHORISED_CARD,
    0x0C: LockEvent.UNAUTHORISED_CARD,
    0x0F: LockEvent.CUT,
    0x10: LockEvent.COVER_OPENED,
    0x11: LockEvent.CUT,
    0x12: LockEvent.LOW_BATTERY,
    0x13: LockEvent.WRONG_PASSWORD,
    0x14: LockEvent.CLOSED,
    0x17: LockEvent.LOW_BATTERY,
    0x18: LockEvent.MOTOR_FAULT,
}


@dataclass(slots=True, kw_only=True)
class LockSays:
    events: LockEvent = NO_EVENT
    closed: bool | None = None
    cover_closed: bool | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """`lock_code` the maker's event number, `lock_card` digits, `lock_result` number, `locks` a list of sub-locks."""


def lock_says(locks: Locks | None, *, items: Items, alarm: int, status: int) -> LockSays:
    """What the lock of this maker says with a position; nothing without one."""
    says = LockSays()
    if locks is Locks.JOINTECH:
        says.closed = not (status >> _ROPE_OUT & 1 or status >> _MOTOR_OPEN & 1)
        for bit, event in _JOINTECH_ALARMS.items():
            says.events |= event if alarm >> bit & 1 else NO_EVENT
    readers = _READERS[locks] if locks else {}
    for item_id, value in items:
        if item_id in readers and value:
            readers[item_id](value, says)
    return says


def command_read(value: bytes, says: LockSays) -> None:
    """Item 0B of the JT709: who tried to open, and with what success. The password itself is not repeated."""
    code = value[0]
    says.extra["lock_code"] = code
    result = value[-1] if len(value) > 1 and len(value) % 2 == 0 else None
    if result is not None:
        says.extra["lock_result"] = result
    if len(value) in {5, 6}:
        says.extra["lock_card"] = f"{int.from_bytes(value[1:5], 'big'):010d}"
    if code in _PASSWORD_WRONG:
        says.events |= LockEvent.WRONG_PASSWORD
    elif code in _CARD_WRONG:
        says.events |= LockEvent.UNAUTHORISED_CARD
    elif (code in _PASSWORD or code == _CARD) and result != _REFUSED:
        says.events |= LockEvent.OPENED


def _padlock_event(value: bytes, says: LockSays) -> None:
    """WORD event, BYTE kind, then whose card it was; of a sub-lock the id stands between."""
    code = int.from_bytes(value[:2], "big")
    says.extra["lock_code"] = code
    says.events |= _PADLOCK_EVENTS.get(code, NO_EVENT)
    card = value[9:17] if len(value) == 17 else value[3:11]
    if len(card) == 8 and card.isalnum():
        says.extra["lock_card"] = card.decode("ascii")


def _padlock_locks(value: bytes, says: LockSays) -> None:
    pieces = [value[at : at + 11] for at in range(0, len(value) - 10, 11)]
    says.extra["locks"] = [
        {
            "id": piece[:6].hex(),
            "battery_v": int.from_bytes(piece[6:8], "big") / 1000,
            "closed": piece[8:9] == b"1",
        }
        for piece in pieces
    ]


def _bluetooth_locks(value: bytes, says: LockSays) -> None:
    """BYTE count, then id[5], card[5], BYTE battery, WORD status (bit 5: open). Two bytes alone are a voltage."""
    if len(value) < 1 + 13 or len(value) != 1 + 13 * value[0]:
        return
    pieces = [value[at : at + 13] for at in range(1, len(value), 13)]
    locks = [
        {
            "id": piece[:5].hex(),
            "card": piece[5:10].hex(),
            "battery_pct": piece[10],
            "closed": not piece[12] >> 5 & 1,
        }
        for piece in pieces
    ]
    says.extra["locks"] = locks
    says.closed = all(lock["closed"] for lock in locks)


def _string(value: bytes, says: LockSays) -> None:
    """WORD how often the string was cut, BYTE bits 0 string and 3 cover as sent."""
    if len(value) >= 3:
        says.extra["lock_string"] = {
            "cuts": int.from_bytes(value[:2], "big"),
            "string": bool(value[2] & 1),
            "cover": bool(value[2] >> 3 & 1),
        }


_READERS: Final[dict[Locks, dict[int, Callable[[bytes, LockSays], None]]]] = {
    Locks.JOINTECH: {0x0B: command_read},
    Locks.PADLOCK: {0x60: _padlock_event, 0x63: _padlock_locks},
    Locks.HUABAO: {0xD5: _bluetooth_locks, 0xDA: _string},
}
