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


class _VehicleFact(Event):
    vehicle_id: int
    trip: str
    """The reference given with the watch; empty: it happened on none."""
    at: datetime
    """When it happened or began (fix time), aware, UTC."""
    late: bool
    """Heard of more than five minutes after it showed: history, not news."""
    lat: float | None
    lon: float | None
    """Where it was noticed, WGS-84; None: the place is not known."""

    @property
    def subject(self) -> str:
        return f"vehicle:{self.vehicle_id}"


class OffRoute(_VehicleFact):
    """The vehicle has been beside its planned road for too long (rules/off_route.py)."""

    name: ClassVar[str] = "telemetry.off_route"

    off_m: float
    along_m: float


class BackOnRoute(_VehicleFact):
    """It is on the planned road again."""

    name: ClassVar[str] = "telemetry.back_on_route"

    farthest_m: float
    """Beside the road, at most."""
    along_m: float


class StoppedTooLong(_VehicleFact):
    """It has stood too long outside the planned stops (rules/long_stop.py)."""

    name: ClassVar[str] = "telemetry.stopped_too_long"

    stood_s: float
    along_m: float | None


class MovingAgain(_VehicleFact):
    """It has left the place where it stood too long."""

    name: ClassVar[str] = "telemetry.moving_again"

    stood_s: float
    along_m: float | None


class MovedWhileStanding(_VehicleFact):
    """It moved in a period in which it should stand (rules/must_stand.py)."""

    name: ClassVar[str] = "telemetry.moved_while_standing"

    seq: int | None
    """Of the stop it should not have left; None: it should stand wherever it was."""
    speed_kmh: float | None


class Overspeed(_VehicleFact):
    """Too fast for too long (rules/overspeed.py)."""

    name: ClassVar[str] = "telemetry.overspeed"

    top_kmh: float
    limit_kmh: float


class OverspeedOver(_VehicleFact):
    """No longer too fast."""

    name: ClassVar[str] = "telemetry.overspeed_over"

    top_kmh: float
    limit_kmh: float


class SignalLost(_VehicleFact):
    """Nothing was heard of a watched vehicle for too long (rules/signal.py); `at`: the last time."""

    name: ClassVar[str] = "telemetry.signal_lost"

    silent_s: float


class SignalBack(_VehicleFact):
    """It is heard of again; `at`: received."""

    name: ClassVar[str] = "telemetry.signal_back"

    silent_s: float


class _TerminalFact(_VehicleFact):
    terminal_id: int
    """Of telemetry's terminal that reported it."""


class LockReported(_TerminalFact):
    """An electronic lock's event (rules/locks.py)."""

    name: ClassVar[str] = "telemetry.lock_reported"

    event: str
    """A name of codecs.locks.LockEvent: `opened`, `cut` …"""
    alarm: bool
    """It may not happen there and then, or never."""


class LockLeftOpen(_TerminalFact):
    """A lock is open where it may not be; its opening was allowed."""

    name: ClassVar[str] = "telemetry.lock_left_open"

    open_s: float
    """So long outside the allowed places."""


class _BandFact(_TerminalFact):
    what: str
    """`temp_c` or `humidity_pct`."""
    probe: int | None
    """None: any."""
    low: float | None
    high: float | None
    """Of the band, in the unit of `what`."""


class BandLeft(_BandFact):
    """Temperature or humidity has been outside its band for too long (rules/bands.py)."""

    name: ClassVar[str] = "telemetry.band_left"

    value: float


class BandBack(_BandFact):
    """It is inside again."""

    name: ClassVar[str] = "telemetry.band_back"

    worst: float


class ShockFelt(_TerminalFact):
    """A shock above the limit (rules/shock.py)."""

    name: ClassVar[str] = "telemetry.shock_felt"

    shock_g: float
    limit_g: float


class PowerLow(_TerminalFact):
    """A terminal runs out of power (rules/power.py)."""

    name: ClassVar[str] = "telemetry.power_low"

    causes: tuple[str, ...]
    """Names of rules.power.Cause."""
    battery_pct: float | None


class PowerBack(_TerminalFact):
    """It has power again."""

    name: ClassVar[str] = "telemetry.power_back"

    causes: tuple[str, ...]
    """What they had been."""
    battery_pct: float | None


class ClockWrong(_TerminalFact):
    """A terminal's times mean nothing, again and again (rules/clock.py)."""

    name: ClassVar[str] = "telemetry.clock_wrong"

    reports: int


class ClockRight(_TerminalFact):
    """They mean something again."""

    name: ClassVar[str] = "telemetry.clock_right"

    reports: int


class DeviceAlarmRaised(_TerminalFact):
    """A terminal raised an alarm itself (rules/alarms.py)."""

    name: ClassVar[str] = "telemetry.device_alarm_raised"

    alarm: str
    """A name of codecs.jt808.names."""
    edge: bool
    """It will not be cleared."""


class DeviceAlarmCleared(_TerminalFact):
    """The alarm's cause is over."""

    name: ClassVar[str] = "telemetry.device_alarm_cleared"

    alarm: str


class TerminalSeen(Event):
    """A device that nobody has let in spoke to us for the first time."""

    name: ClassVar[str] = "telemetry.terminal_seen"

    terminal: str

    @property
    def subject(self) -> str:
        return f"terminal:{self.terminal}"
