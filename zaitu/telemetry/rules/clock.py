"""A terminal whose clock is wrong.

Wrong: so many reports in a row with a time that means nothing (the flag CLOCK: a date before 2015, more than ten minutes ahead, all zero
or impossible). Right again: as many in a row with a good time. A few such reports are a cold start.

Limits: domain.limits.Clock.
"""

from zaitu.telemetry.rules.facts import Fact, Kind


class Clock:
    """One terminal's."""

    def __init__(self, *, reports: int) -> None:
        self.reports = reports
        self.wrong = False
        self.run = 0
        """Reports in a row that say the contrary of `wrong`."""

    def step(self, at_s: float, *, bad: bool) -> list[Fact]:
        self.run = self.run + 1 if bad != self.wrong else 0
        if self.run < self.reports:
            return []
        self.wrong, run, self.run = bad, self.run, 0
        return [Fact(Kind.CLOCK_WRONG if bad else Kind.CLOCK_RIGHT, at_s, run)]
