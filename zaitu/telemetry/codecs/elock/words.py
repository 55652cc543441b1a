"""The status word of the JT701 family: what its bits are called, and which of them are events."""

from typing import Final

from zaitu.telemetry.codecs.locks import NO_EVENT, LockEvent

STATUS: Final = {
    0: "lbs",
    1: "fence_in",
    2: "fence_out",
    3: "string_cut",
    4: "vibration",
    5: "needs_ack",
    6: "string_inserted",
    7: "motor_locked",
    8: "unlock_alarm",
    9: "wrong_password",
    10: "unauthorised_card",
    11: "low_battery",
    12: "back_cap_opened",
    13: "back_cap_closed",
    14: "motor_fault",
    15: "bit_15",
}
NEEDS_ACK: Final = 1 << 5
MOTOR_LOCKED: Final = 1 << 7
COVER_CLOSED: Final = 1 << 13
_EVENTS: Final = {
    3: LockEvent.CUT,
    8: LockEvent.OPENED,
    9: LockEvent.WRONG_PASSWORD,
    10: LockEvent.UNAUTHORISED_CARD,
    11: LockEvent.LOW_BATTERY,
    12: LockEvent.COVER_OPENED,
    14: LockEvent.MOTOR_FAULT,
}
"""6, 7 and 13 are states; locks.lock_changes makes opened, closed and cover_closed of two reports."""
WAKE: Final = {
    0: "restart",
    1: "timer",
    2: "vibration",
    3: "cover",
    4: "string",
    5: "charging",
    6: "card",
    7: "lora",
    8: "vip_sms",
    9: "sms",
    10: "bluetooth",
}
"""Why the lock woke up to report."""


def flag_names(status: int) -> list[str]:
    return [name for bit, name in STATUS.items() if status >> bit & 1]


def events_of(status: int) -> LockEvent:
    events = NO_EVENT
    for bit, event in _EVENTS.items():
        events |= event if status >> bit & 1 else NO_EVENT
    return events
