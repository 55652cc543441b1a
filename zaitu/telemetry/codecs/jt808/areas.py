"""Areas and routes kept on the terminal: 0x8600–0x8608 and 0x0608.

An area is an object of values. What is optional is there when it is told: `start` and `end` (GMT+8, 12 digits YYMMDDhhmmss, zeros
for "every"), `max_kmh` with `over_s`; the attribute bits that say so, and those for south and west, follow from the values.
Night speed and name exist since 2019.
"""

from dataclasses import dataclass
from typing import Any, Final

from zaitu.telemetry.codecs.jt808.layout import (
    Bits,
    ByVersion,
    Digits,
    Group,
    Many,
    Named,
    Number,
    Part,
    Reader,
    Text,
    Values,
    When,
    group,
    layout,
    numbers,
)

KINDS: Final = {1: "circle", 2: "rectangle", 3: "polygon", 4: "route"}
_ACTIONS: Final = {0: "replace", 1: "append", 2: "modify"}
_AREA_BITS: Final = {
    0: "times",
    1: "speed",
    2: "driver_told_in",
    3: "platform_told_in",
    4: "driver_told_out",
    5: "platform_told_out",
    6: "south",
    7: "west",
    8: "doors_shut",
    14: "radio_off_inside",
    15: "gnss_detail_inside",
}
_LEG_BITS: Final = {0: "times", 1: "speed", 2: "south", 3: "west"}
_LATS: Final = ("lat", "top_lat", "bottom_lat")
_LONS: Final = ("lon", "left_lon", "right_lon")


@dataclass(frozen=True, slots=True)
class _Degrees:
    """Millionths of a degree, without a sign: that is an attribute bit."""

    name: str

    def read(self, body: Reader, into: Values) -> None:
        into[self.name] = body.number(4, self.name) / 1e6

    def write(self, values: Values, version: str) -> bytes:
        return Number(self.name, 4).write({self.name: round(abs(values[self.name]) * 1e6)}, version)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Parts with an `attributes` word among them, which says what is there and where the coordinates lie."""

    bits: Bits
    parts: Group
    times: str
    """The field whose presence sets the bit `times`."""

    def read(self, body: Reader, into: Values) -> None:
        self.parts.read(body, into)
        south, west = ("south" in into["attributes"], "west" in into["attributes"])
        for place in (into, *into.get("points", ())):
            for names, negative in ((_LATS, south), (_LONS, west)):
                place.update({name: -place[name] for name in names if negative and place.get(name)})

    def write(self, values: Values, version: str) -> bytes:
        told = set(values.get("attributes", ())) - {"times", "speed", "south", "west"}
        told |= {word for word, name in (("times", self.times), ("speed", "max_kmh")) if name in values}
        told |= _sides(values)
        attributes = self.bits.names(self.bits.number(sorted(told)))
        return self.parts.write({**values, "attributes": attributes}, version)


def _sides(values: Values) -> set[str]:
    """`south`, `west` or neither. Raises ValueError when the coordinates lie on both sides."""
    sides: set[str] = set()
    places: list[Any] = [values, *values.get("points", ())]
    for names, side in ((_LATS, "south"), (_LONS, "west")):
        degrees = [place[name] for place in places for name in names if name in place]
        if any(value < 0 for value in degrees):
            if any(value > 0 for value in degrees):
                raise ValueError(f"one part lies {side}, another does not: the terminal knows one side only")
            sides.add(side)
    return sides


def _if(word: str, *parts: Part) -> Part:
    return When(lambda values: word in values["attributes"], group(*parts))


_ATTRIBUTES: Final = Bits("attributes", 2, _AREA_BITS)
_TIMES: Final = _if("times", Digits("start", 6), Digits("end", 6))
_SPEED: Final = _if("speed", Number("max_kmh", 2), Number("over_s", 1))
_NIGHT: Final = _if("speed", Number("night_max_kmh", 2))
_NAME: Final = Text("name", prefix=2)
_SINCE_2019: Final = ByVersion(None, group(_NIGHT, _NAME))


def _area(*parts: Part) -> _Placed:
    return _Placed(_ATTRIBUTES, group(Number("id", 4), _ATTRIBUTES, *parts), "start")


CIRCLE: Final = _area(_Degrees("lat"), _Degrees("lon"), Number("radius_m", 4), _TIMES, _SPEED, _SINCE_2019)
RECTANGLE: Final = _area(
    _Degrees("top_lat"),
    _Degrees("left_lon"),
    _Degrees("bottom_lat"),
    _Degrees("right_lon"),
    _TIMES,
    _SPEED,
    _SINCE_2019,
)
POLYGON: Final = _area(
    _TIMES, _SPEED, Many("points", 2, group(_Degrees("lat"), _Degrees("lon"))), _SINCE_2019
)
_LEG_ATTRIBUTES: Final = Bits("attributes", 1, _LEG_BITS)
LEG: Final = _Placed(
    _LEG_ATTRIBUTES,
    group(
        Number("id", 4),
        Number("leg_id", 4),
        _Degrees("lat"),
        _Degrees("lon"),
        Number("width_m", 1),
        _LEG_ATTRIBUTES,
        _if("times", Number("too_long_s", 2), Number("too_short_s", 2)),
        _SPEED,
        ByVersion(None, _NIGHT),
    ),
    "too_long_s",
)
ROUTE: Final = group(
    Number("id", 4),
    _ATTRIBUTES,
    _TIMES,
    Many("legs", 2, LEG),
    ByVersion(None, _NAME),
)


@dataclass(frozen=True, slots=True)
class _Route:
    """A route's own attributes say when it holds; its legs say where they lie."""

    def read(self, body: Reader, into: Values) -> None:
        ROUTE.read(body, into)

    def write(self, values: Values, version: str) -> bytes:
        told = {word for word in values.get("attributes", ()) if word != "times"}
        told |= {"times"} if "start" in values else set()
        attributes = _ATTRIBUTES.names(_ATTRIBUTES.number(sorted(told)))
        return ROUTE.write({**values, "attributes": attributes}, version)


_PARTS: Final[dict[str, Part]] = {
    "circle": CIRCLE,
    "rectangle": RECTANGLE,
    "polygon": POLYGON,
    "route": _Route(),
}


@dataclass(frozen=True, slots=True)
class _OfKind:
    """What a terminal answers to 0x8608: areas of the kind asked for; of an unknown kind as sent."""

    def read(self, body: Reader, into: Values) -> None:
        part = _PARTS.get(into["kind"])
        if part is not None:
            Many("areas", 4, part).read(body, into)

    def write(self, values: Values, version: str) -> bytes:
        part = _PARTS.get(values["kind"])
        return b"" if part is None else Many("areas", 4, part).write(values, version)


_IDS: Final = layout(numbers("ids", count=1, size=4))
"""No id: all of them."""

LAYOUTS: Final = {
    0x8600: layout(Named("action", 1, _ACTIONS), Many("areas", 1, CIRCLE)),
    0x8601: _IDS,
    0x8602: layout(Named("action", 1, _ACTIONS), Many("areas", 1, RECTANGLE)),
    0x8603: _IDS,
    0x8604: layout(POLYGON),
    0x8605: _IDS,
    0x8606: layout(_Route()),
    0x8607: _IDS,
    0x8608: layout(Named("kind", 1, KINDS), numbers("ids", count=4, size=4)),
    0x0608: layout(Named("kind", 1, KINDS), _OfKind()),
}
