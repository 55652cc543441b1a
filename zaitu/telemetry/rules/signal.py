"""A vehicle is no longer heard of, and is heard of again.

Lost: nothing of any of its terminals was received for `after_s`, counted from the last report or the beginning of the trip, whichever
is later. A timer finds it, not a fix; times received count, since those of fixes may be wrong or old. Back: the next report of any of
its terminals, an old one too: it can talk. Only watched vehicles are missed.

Limits: domain.limits.Signal.
"""

from zaitu.telemetry.rules.facts import Fact, Kind


class Signal:
    def __init__(self, *, after_s: float, from_s: float) -> None:
        self.after_s = after_s
        self.heard_s = from_s
        self.silent = False

    def heard(self, received_s: float) -> list[Fact]:
        """A report came."""
        silent_s = received_s - self.heard_s
        self.heard_s = max(self.heard_s, received_s)
        if not self.silent:
            return []
        self.silent = False
        return [Fact(Kind.SIGNAL_BACK, received_s, silent_s)]

    def timer(self, now_s: float) -> list[Fact]:
        """Time passed."""
        if self.silent or now_s - self.heard_s < self.after_s:
            return []
        self.silent = True
        return [Fact(Kind.SIGNAL_LOST, self.heard_s, now_s - self.heard_s)]
