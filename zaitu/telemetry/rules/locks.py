"""What electronic locks report, and whether it was allowed.

Every event becomes a fact. `opened` and `closed` are told too when a lock only says that it is no longer closed, or closed again; the
same one again within REPEAT_S, with nothing between, is the same. STATES (cut, cover opened, motor fault, low battery) are told once,
until a report of the lock comes without them. Wrong passwords, unauthorised cards and a cover closed are told each time.

Alarms: cut, wrong password, unauthorised card, cover opened, and opened where or when no opening of the watch allows it. Nothing is
an unallowed opening before the trip begins and without a watch. A lock that was opened where it may be and is still open elsewhere for
`left_open_s` is told once, until it is closed or back at such a place.

Limits: domain.limits.Lock.
"""

from typing import Final

from zaitu.telemetry.rules.facts import Fact, Kind
from zaitu.telemetry.rules.held import Held

# Bits of codecs.locks.LockEvent, which rules may not import; a test holds the two together.
OPENED: Final = 1
CLOSED: Final = 2
CUT: Final = 4
WRONG_PASSWORD: Final = 8
UNAUTHORISED_CARD: Final = 16
COVER_OPENED: Final = 32
COVER_CLOSED: Final = 64
MOTOR_FAULT: Final = 128
LOW_BATTERY: Final = 256

EVENTS: Final = 9
STATES: Final = CUT | COVER_OPENED | MOTOR_FAULT | LOW_BATTERY
ALARMS: Final = CUT | WRONG_PASSWORD | UNAUTHORISED_CARD | COVER_OPENED
REPEAT_S: Final = 60.0
GAP_S: Final = 21_600.0


class Lock:
    def __init__(self, *, left_open_s: float) -> None:
        self.closed: bool | None = None
        self.states = 0
        self.opened_s: float | None = None
        """Told; None after it was told as closed."""
        self.closed_s: float | None = None
        self.away = Held(after_s=left_open_s, back_s=0.0, gap_s=GAP_S)

    def step(
        self, at_s: float, *, events: int, closed: bool | None, allowed: bool, timed: bool
    ) -> list[Fact]:
        """A report with something about the lock. `timed`: its time is the lock's own."""
        opens = bool(events & OPENED) or (closed is False and self.closed is True)
        closes = bool(events & CLOSED) or (closed is True and self.closed is False)
        new = events & ~(OPENED | CLOSED) & ~(self.states & STATES)
        self.states = events & STATES
        # Of the two in one report the later one is what the lock is now.
        facts = [
            self._told(at_s, OPENED if opening else CLOSED, alarm=opening and not allowed)
            for opening in ((True, False) if closed else (False, True))
            if (opens if opening else closes) and self._changes(at_s, opening=opening)
        ]
        if closed is not None or opens or closes:
            self.closed = closed if closed is not None else not opens
        facts += [
            self._told(at_s, 1 << bit, alarm=bool(1 << bit & ALARMS))
            for bit in range(EVENTS)
            if new >> bit & 1
        ]
        return facts + (self._left_open(at_s, allowed=allowed) if timed else [])

    def _changes(self, at_s: float, *, opening: bool) -> bool:
        told_s = self.opened_s if opening else self.closed_s
        if told_s is not None and at_s - told_s < REPEAT_S:
            return False
        self.opened_s, self.closed_s = (at_s, None) if opening else (None, at_s)
        return True

    def _told(self, at_s: float, event: int, *, alarm: bool) -> Fact:
        if event == OPENED and alarm:
            # Told already: it need not be told again that it is open.
            self.away.raised, self.away.since_s = True, None
        return Fact(Kind.LOCK, at_s, event, float(alarm))

    def _left_open(self, at_s: float, *, allowed: bool) -> list[Fact]:
        if self.closed is None:
            return []
        away = not self.closed and not allowed
        changed_s = self.away.step(at_s, over=away, under=not away)
        if changed_s is None or not self.away.raised:
            return []
        return [Fact(Kind.LOCK_LEFT_OPEN, changed_s, at_s - changed_s)]
