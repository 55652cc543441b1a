"""Alarms a terminal raises itself: the 32 alarm bits of JT/T 808.

Levels stay set while the condition lasts: raised once with the first report that has the bit, cleared once with the first that has
not had it for OVER_S. Edges (the standard: "cleared after the platform's answer") are one fact each; the bit again within OVER_S is the
same occurrence, since a terminal repeats it until it is answered. The vehicle's power (bits 7 and 8) is rules/power.py's.

Source: JT/T 808-2011 table 18, -2013 table 24, -2019 table 25.
"""

from typing import Final

from zaitu.telemetry.rules.facts import Fact, Kind
from zaitu.telemetry.rules.power import MAIN_LOST_BIT, MAIN_LOW_BIT

OVER_S: Final = 30.0
BITS: Final = 32
TOLD: Final = (1 << BITS) - 1 - (1 << MAIN_LOW_BIT) - (1 << MAIN_LOST_BIT)


class Alarms:
    """One terminal's. `edges`: which bits are, by the version of the standard it speaks (codecs.jt808.alarms)."""

    def __init__(self, *, edges: int) -> None:
        self.edges = edges
        self.raised = 0
        self.set_s: dict[int, float] = {}
        """Last report that had the bit."""

    def step(self, at_s: float, alarm: int) -> list[Fact]:
        facts = []
        for bit in range(BITS):
            if not TOLD >> bit & 1:
                continue
            over = bit not in self.set_s or at_s - self.set_s[bit] >= OVER_S
            if self.edges >> bit & 1:
                if alarm >> bit & 1 and over:
                    facts.append(Fact(Kind.ALARM_RAISED, at_s, bit, 1.0))
            elif alarm >> bit & 1 and not self.raised >> bit & 1:
                self.raised |= 1 << bit
                facts.append(Fact(Kind.ALARM_RAISED, at_s, bit, 0.0))
            elif self.raised >> bit & 1 and not alarm >> bit & 1 and over:
                self.raised &= ~(1 << bit)
                facts.append(Fact(Kind.ALARM_CLEARED, at_s, bit))
            if alarm >> bit & 1:
                self.set_s[bit] = at_s
        return facts
