"""What is still normal for a vehicle on a trip. Comes with its watch, per line, vehicle or shipment; None switches a rule off.

What each rule means stands in rules/<its name>.py. Every default is our own choice unless a source is told.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

PROBES_MAX: Final = 8
BANDS_MAX: Final = 8
STANDS_MAX: Final = 50
OPENINGS_MAX: Final = 200
WHATS: Final = ("temp_c", "humidity_pct")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, outside {low}..{high}")


def _period(from_at: datetime | None, to_at: datetime | None) -> None:
    for at in (from_at, to_at):
        if at is not None and at.tzinfo is None:
            raise ValueError(f"{at} has no offset")
    if from_at is not None and to_at is not None and to_at <= from_at:
        raise ValueError(f"a period ends after it begins: {from_at}, {to_at}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OffRoute:
    beyond_m: float = 500.0
    """Metres beside the planned road that are off it; 100 to 50,000."""
    after_s: float = 180.0
    """So long before it is told; 0 to 7,200."""
    back_m: float = 200.0
    """Nearer is on the road again; 50 to `beyond_m`. Dual carriageways and map error take so much."""
    back_s: float = 60.0
    """0 to 7,200."""

    def __post_init__(self) -> None:
        _within("beyond_m", self.beyond_m, 100, 50_000)
        _within("back_m", self.back_m, 50, self.beyond_m)
        _within("after_s", self.after_s, 0, 7_200)
        _within("back_s", self.back_s, 0, 7_200)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongStop:
    after_s: float = 1_800.0
    """300 to 86,400. Drivers must rest 20 minutes after four hours (Regulation on the Road Traffic Safety Law, Art. 62)."""

    def __post_init__(self) -> None:
        _within("after_s", self.after_s, 300, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A period in which the vehicle must not move, or must not leave a stop."""

    from_at: datetime
    to_at: datetime
    """Aware; the first instant at which it may."""
    seq: int | None = None
    """Of the stop it must not leave (inside the yard it may move); None: it stands wherever it is."""

    def __post_init__(self) -> None:
        _period(self.from_at, self.to_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where and when a lock may be open. At a stop, in a circle, or (neither given) at any planned stop."""

    seq: int | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 300.0
    """20 to 50,000."""
    from_at: datetime | None = None
    """None: from the beginning of the trip."""
    to_at: datetime | None = None
    """The first instant at which it may not; None: to its end."""

    def __post_init__(self) -> None:
        if (self.lat is None) != (self.lon is None) or (self.lat is not None and self.seq is not None):
            raise ValueError("an opening is at a stop or at a place with lat and lon")
        _within("radius_m", self.radius_m, 20, 50_000)
        _period(self.from_at, self.to_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    openings: tuple[Opening, ...] = (Opening(),)
    """Empty: nowhere."""
    left_open_s: float = 120.0
    """Open so long outside them is told, where the opening itself was allowed; 0 to 7,200."""

    def __post_init__(self) -> None:
        _within("left_open_s", self.left_open_s, 0, 7_200)
        if len(self.openings) > OPENINGS_MAX:
            raise ValueError(f"{len(self.openings)} openings, at most {OPENINGS_MAX}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    what: str = "temp_c"
    """`temp_c` or `humidity_pct`."""
    low: float | None = None
    high: float | None = None
    """At least one of the two; both belong to the band."""
    probe: int | None = None
    """0 to 7, in the order the terminal sends them; None: any. Humidity has one."""
    after_s: float = 300.0
    """A door opened for unloading is not a breach; 0 to 7,200."""
    back_s: float = 120.0
    """0 to 7,200."""

    def __post_init__(self) -> None:
        if self.what not in WHATS:
            raise ValueError(f"a band is of {' or '.join(WHATS)}, not {self.what}")
        if self.low is None and self.high is None:
            raise ValueError("a band has a low or a high end")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"a band reaches from low to high: {self.low}, {self.high}")
        if self.probe is not None:
            _within("probe", self.probe, 0, PROBES_MAX - 1)
        _within("after_s", self.after_s, 0, 7_200)
        _within("back_s", self.back_s, 0, 7_200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    over_g: float = 8.0
    """0.5 to 200. Road and shunting stay below about 3 g, a dropped pallet above 10."""

    def __post_init__(self) -> None:
        _within("over_g", self.over_g, 0.5, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    over_kmh: float = 100.0
    """20 to 200. Lorries on motorways: 100 (Regulation on the Road Traffic Safety Law, Art. 78)."""
    after_s: float = 30.0
    """0 to 600."""

    def __post_init__(self) -> None:
        _within("over_kmh", self.over_kmh, 20, 200)
        _within("after_s", self.after_s, 0, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    after_s: float = 900.0
    """60 to 86,400. Long tunnels take 15 minutes."""

    def __post_init__(self) -> None:
        _within("after_s", self.after_s, 60, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    low_pct: float = 15.0
    """Of a battery; 1 to 50."""
    after_s: float = 30.0
    """So long a terminal must miss the vehicle's power (starting the engine takes it for seconds); 0 to 3,600."""

    def __post_init__(self) -> None:
        _within("low_pct", self.low_pct, 1, 50)
        _within("after_s", self.after_s, 0, 3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    reports: int = 5
    """In a row with a time that means nothing; 1 to 100. A cold start takes some."""

    def __post_init__(self) -> None:
        _within("reports", self.reports, 1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    off_route: OffRoute | None = field(default_factory=OffRoute)
    long_stop: LongStop | None = field(default_factory=LongStop)
    stands: tuple[Stand, ...] = ()
    still_m: float = 100.0
    """A receiver at rest drifts so far, and a vehicle may be moved so far in a yard; 30 to 1,000 (rules/standing.py)."""
    lock: Lock | None = field(default_factory=Lock)
    """None: opening is allowed everywhere."""
    bands: tuple[Band, ...] = ()
    shock: Shock | None = field(default_factory=Shock)
    speed: Speed | None = field(default_factory=Speed)
    signal: Signal | None = field(default_factory=Signal)
    power: Power | None = field(default_factory=Power)
    clock: Clock | None = field(default_factory=Clock)
    device_alarms: bool = True

    def __post_init__(self) -> None:
        _within("still_m", self.still_m, 30, 1_000)
        if len(self.bands) > BANDS_MAX:
            raise ValueError(f"{len(self.bands)} bands, at most {BANDS_MAX}")
        if len(self.stands) > STANDS_MAX:
            raise ValueError(f"{len(self.stands)} periods of standing, at most {STANDS_MAX}")


_PARTS: Final[dict[str, Callable[..., Any]]] = {
    "off_route": OffRoute,
    "long_stop": LongStop,
    "shock": Shock,
    "speed": Speed,
    "signal": Signal,
    "power": Power,
    "clock": Clock,
}


def limits_document(limits: Limits) -> dict[str, Any]:
    """As JSON; `limits_from` reads it back."""
    document: dict[str, Any] = _plain(asdict(limits))
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def limits_from(document: dict[str, Any]) -> Limits:
    """What a document does not name has its default. Raises ValueError, TypeError."""
    values = dict(document)
    for name, part in _PARTS.items():
        if values.get(name) is not None:
            values[name] = part(**values[name])
    if values.get("lock") is not None:
        lock = dict(values["lock"])
        lock["openings"] = tuple(Opening(**_timed(one)) for one in lock.get("openings", ({},)))
        values["lock"] = Lock(**lock)
    values["bands"] = bands_from(values.get("bands", ()))
    values["stands"] = stands_from(values.get("stands", ()))
    return Limits(**values)


def bands_from(documents: Any) -> tuple[Band, ...]:
    return tuple(Band(**one) for one in documents)


def stands_from(documents: Any) -> tuple[Stand, ...]:
    return tuple(Stand(**_timed(one)) for one in documents)


def _timed(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value
        for name, value in document.items()
    }
