"""Stopped too long outside the planned stops, and moving again.

Stopped: the vehicle stands (rules/standing.py) for `after_s`, counted from the last of: it came there, the trip began, it was at a
planned stop. Told once for a place; it moves again when it leaves that place or comes to a planned stop.

Limits: domain.limits.LongStop.
"""

from zaitu.telemetry.rules.facts import Fact, Kind


class LongStop:
    """One vehicle's, of one trip."""

    def __init__(self, *, after_s: float, from_s: float) -> None:
        self.after_s = after_s
        self.from_s = from_s
        self.planned_s = from_s
        """Last fix at a planned stop."""
        self.stopped_s: float | None = None
        """Told: since when it stands."""

    def step(
        self, at_s: float, *, stands_s: float | None, gone_s: float | None, at_stop: bool, along_m: float
    ) -> list[Fact]:
        """`stands_s`: since when it stands (None: it does not); `gone_s`: when it left the place before, if this fix shows it."""
        facts = []
        if at_stop:
            self.planned_s = at_s
        if self.stopped_s is not None and (at_stop or gone_s is not None):
            over_s = at_s if gone_s is None else gone_s
            facts.append(Fact(Kind.MOVING_AGAIN, over_s, over_s - self.stopped_s, along_m))
            self.stopped_s = None
        if stands_s is None or at_stop or self.stopped_s is not None:
            return facts
        since_s = max(stands_s, self.planned_s)
        if at_s - since_s >= self.after_s:
            self.stopped_s = since_s
            facts.append(Fact(Kind.STOPPED_TOO_LONG, since_s, at_s - since_s, along_m))
        return facts
