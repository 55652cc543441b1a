"""What telemetry tells higher rooms. Order is kept per vehicle."""

from datetime import datetime
from typing import ClassVar

from zaitu.kernel.events import Event


class _StopFact(Event):
    vehicle_id: int
    trip: str
    """The reference given with the watch."""
    seq: int
    """The stop's number in the watch."""
    at: datetime
    """When it happened (fix time), aware, UTC."""
    late: bool
    """Found in data that came late: history, not news."""

    @property
    def subject(self) -> str:
        return f"vehicle:{self.vehicle_id}"


class StopEntered(_StopFact):
    """A watched vehicle is inside a stop's fence."""

    name: ClassVar[str] = "telemetry.stop_entered"


class StopLeft(_StopFact):
    """A watched vehicle has left a stop's fence for good (hysteresis passed)."""

    name: ClassVar[str] = "telemetry.stop_left"


class TerminalSeen(Event):
    """A device that nobody has let in spoke to us for the first time."""

    name: ClassVar[str] = "telemetry.terminal_seen"

    terminal: str

    @property
    def subject(self) -> str:
        return f"terminal:{self.terminal}"
