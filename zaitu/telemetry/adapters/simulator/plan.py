"""What is asked of simulated terminals."""

from dataclasses import dataclass
from typing import Final

from zaitu.telemetry.domain.simulated import INDEX_MAX

PROTOCOLS: Final = ("2011", "2013", "2019")
FIXES_MAX: Final = 21
"""In one 0x0704 of 1,023 bytes."""
BURST_MAX: Final = 64
SLOWEST_S: Final = 240.0
"""Platforms take a terminal that is silent for 300 s for dead."""


class PlanError(Exception):
    """What is asked for makes no sense; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Raises PlanError for what makes no sense."""

    vehicles: int
    first: int = 1
    """Index of the first (domain/simulated.py)."""
    host: str = "127.0.0.1"
    ports: tuple[int, ...] = (7018,)
    """Terminals take them in turn."""
    rate: float = 0.0
    """Fixes a second in all; 0: as fast as they are acknowledged."""
    seconds: float = 30.0
    fixes_per_frame: int = 1
    burst: int = 1
    """Frames a terminal sends at once."""
    backfill: float = 0.0
    """Share of the frames that come late, from the terminal's memory (0x0704 type 1)."""
    window: int = 64
    """Frames of one terminal on their way at most."""
    opening: int = 500
    """Connections being opened or signed in at once."""
    protocol: str = "2013"
    idle: bool = False
    """Heartbeats only."""
    heartbeat_s: float = 60.0
    storm_s: float = 0.0
    """So long after the start all connections break at once; 0: never."""
    behind_s: float = -1.0
    """How old the first fix is; negative: as old as it must be for the last one to be of now."""
    warm_s: float = 0.0
    """So long at the start nothing is measured."""
    drain_s: float = 15.0
    """The last acknowledgements are waited for so long."""
    logged: int = 0
    """Of so many vehicles, the last ones, each fix's moment of sending is written down."""

    def __post_init__(self) -> None:
        wrong = {
            f"vehicles are numbered 1..{INDEX_MAX}": self.vehicles >= 1
            and 1 <= self.first <= INDEX_MAX - self.vehicles + 1,
            "a port is 1..65535": bool(self.ports) and all(0 < port < 65536 for port in self.ports),
            "a rate is not negative": self.rate >= 0,
            "the time is not negative": self.seconds > 0 and self.warm_s >= 0 and self.drain_s >= 0,
            f"a frame holds 1..{FIXES_MAX} fixes": 1 <= self.fixes_per_frame <= FIXES_MAX,
            "the window is a power of two, 1..4096": 1 <= self.window <= 4096
            and self.window & self.window - 1 == 0,
            "a burst has 1 frame or more, and not more than the window": 1
            <= self.burst
            <= min(self.window, BURST_MAX),
            "the share from memory is 0..0.5": 0 <= self.backfill <= 0.5,
            "at least one connection is opened at once": self.opening >= 1,
            f"a version is one of {', '.join(PROTOCOLS)}": self.protocol in PROTOCOLS,
            f"every vehicle must be heard once in {SLOWEST_S:.0f} s": self.between_turns_s <= SLOWEST_S,
        }
        for sentence, right in wrong.items():
            if not right:
                raise PlanError(sentence)

    @property
    def fixes(self) -> int:
        """In a frame; 0: heartbeats."""
        return 0 if self.idle else self.fixes_per_frame

    @property
    def turns_per_s(self) -> float:
        """How often some terminal's turn comes; 0: always."""
        if self.idle:
            return self.vehicles / self.heartbeat_s
        return self.rate / (self.fixes_per_frame * self.burst)

    @property
    def between_turns_s(self) -> float:
        """Of one terminal."""
        return self.vehicles / self.turns_per_s if self.turns_per_s else 0.0

    @property
    def step_s(self) -> float:
        """Between two fixes of a terminal: real time, but at least the second that a device's time can tell apart."""
        return max(1.0, self.vehicles / self.rate) if self.rate else 1.0

    @property
    def kept_back(self) -> int:
        """Of CYCLE frames, those that come from memory."""
        return round(CYCLE * self.backfill)

    @property
    def before_s(self) -> float:
        """How old a terminal's first fix is, so that it has none of the future."""
        at_once = (self.burst * self.fixes_per_frame - 1) * self.step_s
        late = self.kept_back * self.fixes_per_frame * self.step_s
        if self.behind_s >= 0:
            return self.behind_s + at_once + late
        if not self.rate:
            return _DAY_S
        faster = self.rate / self.vehicles * self.step_s - 1
        return max(0.0, faster * self.seconds) + at_once + late


CYCLE: Final = 20
_DAY_S: Final = 86_400.0
