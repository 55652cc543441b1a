"""What an electronic lock can say has happened, whatever its maker's words."""

from enum import IntFlag


class LockEvent(IntFlag):
    """Bits of a fix's `lock_events`; several may come with one report."""

    OPENED = 1
    """The motor drew back: the lock can be taken off."""
    CLOSED = 2
    CUT = 4
    """The string or shackle was cut or pulled out while locked."""
    WRONG_PASSWORD = 8
    UNAUTHORISED_CARD = 16
    COVER_OPENED = 32
    COVER_CLOSED = 64
    MOTOR_FAULT = 128
    LOW_BATTERY = 256

    @property
    def names(self) -> list[str]:
        """Stable words (`opened`, `wrong_password` …), as facts and `zaitu decode` tell them."""
        return [event.name.lower() for event in LockEvent if event in self and event.name]
