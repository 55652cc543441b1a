"""Commands in the platform's words → messages to a terminal, and which message answers each."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from zaitu.telemetry.codecs.jt808 import encode, messages
from zaitu.telemetry.codecs.jt808.parameters import NUMBERS

Told = tuple[int, Mapping[str, Any]]
_WIDE_MAX: Final = 255
_AREAS: Final = {
    "circle": (messages.CIRCLES_SET, messages.CIRCLES_DELETE),
    "rectangle": (messages.RECTANGLES_SET, messages.RECTANGLES_DELETE),
    "polygon": (messages.POLYGON_SET, messages.POLYGONS_DELETE),
}
_TOLD_OF: Final = ["driver_told_in", "platform_told_in", "driver_told_out", "platform_told_out"]
_ONE_PHOTO: Final = {
    "count": 1,
    "interval_s": 0,
    "keep": 0,
    "resolution": "640x480",
    "quality": 5,
    "brightness": 128,
    "contrast": 64,
    "saturation": 64,
    "chroma": 128,
}


def _text(asked: Mapping[str, Any]) -> Told:
    flags = [name for name in ("urgent", "display", "speak") if asked.get(name)]
    return messages.TEXT_TO_DRIVER, {"flags": flags, "kind": "notice", "text": asked["text"]}


def _parameters_ask(asked: Mapping[str, Any]) -> Told:
    if not asked.get("names"):
        return messages.PARAMETERS_ASK_ALL, {}
    return messages.PARAMETERS_ASK, {"ids": [f"0x{NUMBERS[name]:04x}" for name in asked["names"]]}


def _parameters_set(asked: Mapping[str, Any]) -> Told:
    told = [{"id": f"0x{NUMBERS[name]:04x}", "value": value} for name, value in asked.items()]
    return messages.PARAMETERS_SET, {"parameters": told}


def _fence_set(asked: Mapping[str, Any]) -> Told:
    area = dict(asked["area"])
    shape = area.pop("shape")
    area["attributes"] = _TOLD_OF
    if shape == "polygon":
        area["points"] = [{"lat": lat, "lon": lon} for lat, lon in area["points"]]
        return messages.POLYGON_SET, area
    # Others that were set before stay: "append".
    return _AREAS[shape][0], {"action": "append", "areas": [area]}


def _fence_delete(asked: Mapping[str, Any]) -> Told:
    return _AREAS[asked["area"]["shape"]][1], {"ids": [asked["area"]["id"]]}


def _route_set(asked: Mapping[str, Any]) -> Told:
    route = asked["route"]
    legs = [
        {
            "id": number,
            "leg_id": number,
            "lat": lat,
            "lon": lon,
            "width_m": min(route["width_m"], _WIDE_MAX),
            "attributes": [],
        }
        for number, (lat, lon) in enumerate(route["points"], start=1)
    ]
    values = {"id": route["id"], "attributes": _TOLD_OF, "legs": legs, "name": route["name"]}
    return messages.ROUTE_SET, values


_MADE: Final[dict[str, Callable[[Mapping[str, Any]], Told]]] = {
    "text": _text,
    "locate": lambda _asked: (messages.POSITION_ASK, {}),
    "parameters_ask": _parameters_ask,
    "parameters_set": _parameters_set,
    "photo": lambda asked: (messages.PHOTO, {"channel": asked["channel"], **_ONE_PHOTO}),
    "fence_set": _fence_set,
    "fence_delete": _fence_delete,
    "route_set": _route_set,
    "route_delete": lambda asked: (messages.ROUTES_DELETE, {"ids": [asked["route"]["id"]]}),
    "restart": lambda _asked: (messages.CONTROL, {"command": "reset"}),
}
ANSWERED_BY: Final = {
    "locate": messages.POSITION_ANSWER,
    "parameters_ask": messages.PARAMETERS,
    "photo": messages.PHOTO_ANSWER,
}
"""What has an answer of its own; the others are answered by 0x0001."""
NEEDS_ANSWER: Final = frozenset({"locate", "parameters_ask"})
"""Of no use without what they ask for; that a photo was taken may be said by 0x0001 alone, as in 2011."""


def downlink(kind: str, asked: Mapping[str, Any], version: str) -> tuple[int, bytes]:
    """(message id, body) for `2011`, `2013` or `2019`. Raises ValueError, KeyError, TypeError when it cannot be written."""
    msg_id, values = _MADE[kind](asked)
    return msg_id, encode.body_of(msg_id, values, version or "2013")
