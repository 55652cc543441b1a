"""What may be asked of a terminal, in which limits, and what can become of it. The words for the wire: codecs/jt808/commands.py."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from zaitu.kernel.errors import Invalid

EXPIRES_AFTER: Final = timedelta(minutes=10)
"""From asking; a text read by the driver an hour later would mislead."""
SENDS_MAX: Final = 2
"""The second only on another connection than the first."""
OPEN_MAX: Final = 20
"""Of one terminal, queued or unanswered."""
TEXT_MAX: Final = 300
"""Letters; GBK then fits one frame."""


class Kind(StrEnum):
    TEXT = "text"
    LOCATE = "locate"
    PARAMETERS_ASK = "parameters_ask"
    PARAMETERS_SET = "parameters_set"
    PHOTO = "photo"
    FENCE_SET = "fence_set"
    FENCE_DELETE = "fence_delete"
    ROUTE_SET = "route_set"
    ROUTE_DELETE = "route_delete"
    RESTART = "restart"


TELLING: Final = frozenset({Kind.TEXT, Kind.LOCATE})
"""What changes nothing in the device."""


class State(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    EXPIRED = "expired"


OPEN: Final = frozenset({State.QUEUED, State.SENT})


class Why(StrEnum):
    """Why a command expired or was refused."""

    OFFLINE = "offline"
    """The terminal was not connected in time."""
    UNANSWERED = "unanswered"
    """It was sent, and nothing came back."""
    FAILED = "failed"
    """The terminal could not do it."""
    MALFORMED = "malformed"
    """The terminal did not understand the message."""
    UNWRITABLE = "unwritable"
    """Of a terminal that speaks another version than it did when asked: the message cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """A command and what became of it."""

    id: int
    terminal: str
    kind: str
    """A Kind."""
    parameters: Mapping[str, Any]
    asked_by: str
    asked_at: datetime
    state: str
    """A State; EXPIRED from `expires_at` on, whether or not anything has written it down."""
    why: str
    """A Why, or empty."""
    attempts: int
    sent_at: datetime | None
    answered_at: datetime | None
    expires_at: datetime
    answer: Mapping[str, Any]

    @property
    def open(self) -> bool:
        return self.state in OPEN


Values = dict[str, Any]

_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")


def _bad(field: str, text: str) -> Invalid:
    return Invalid(text, fields={field: text})


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    return raw.get(name) in {True, "1", "on", "true"}


def _number(raw: Mapping[str, Any], name: str, word: str, low: int, high: int) -> int | None:
    """None where nothing is given. Raises Invalid."""
    told = raw.get(name)
    if told is None or str(told).strip() == "":
        return None
    text = str(told).strip()
    if isinstance(told, bool) or not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        raise _bad(name, f"{word}须在 {low} 到 {high} 之间")
    return int(text)


def _text(raw: Mapping[str, Any]) -> Values:
    text = str(raw.get("text", "")).strip()
    if not 1 <= len(text) <= TEXT_MAX:
        raise _bad("text", "请填写要发给司机的文字，最多 300 字")
    if not all(map(_known, text)):
        raise _bad("text", "有终端显示不了的字符（如表情符号），请换一种写法")
    shown = {name: _flag(raw, name) for name in ("urgent", "display", "speak")}
    if not (shown["display"] or shown["speak"]):
        raise _bad("display", "请选择显示或播读，至少一项")
    return {"text": text, **shown}


def _known(letter: str) -> bool:
    if letter < " " and letter != "\n":
        return False
    try:
        letter.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


_SETTABLE: Final = {
    "heartbeat_s": ("心跳间隔（秒）", 10, 3_600),
    "default_interval_s": ("上报间隔（秒）", 5, 3_600),
    "sleep_interval_s": ("休眠上报间隔（秒）", 10, 86_400),
    "sos_interval_s": ("紧急上报间隔（秒）", 1, 600),
    "tcp_port": ("服务器端口", 1, 65_535),
}
ASKABLE: Final = (*_SETTABLE, "server", "report_mode", "max_kmh", "max_driving_s", "max_parking_s")


def _parameters_set(raw: Mapping[str, Any]) -> Values:
    found: Values = {}
    for name, (word, low, high) in _SETTABLE.items():
        value = _number(raw, name, word, low, high)
        if value is not None:
            found[name] = value
    server = str(raw.get("server", "")).strip()
    if server:
        if not _HOST.fullmatch(server):
            raise _bad("server", "服务器地址须为域名或 IP，不带端口，最多 64 个字符")
        found["server"] = server
    if not found:
        raise _bad("default_interval_s", "请至少填写一项参数")
    return found


def moves_server(values: Mapping[str, Any]) -> bool:
    """A terminal told a wrong server is lost to us: somebody must drive to the vehicle."""
    return "server" in values or "tcp_port" in values


def _parameters_ask(raw: Mapping[str, Any]) -> Values:
    names = [str(name) for name in raw.get("names", ())]
    strange = sorted(set(names) - set(ASKABLE))
    if strange:
        raise _bad("names", f"不认识的参数：{'、'.join(strange)[:60]}。可查：{'、'.join(ASKABLE)}")
    return {"names": sorted(set(names))}


def _photo(raw: Mapping[str, Any]) -> Values:
    return {"channel": _number(raw, "channel", "镜头通道", 1, 64) or 1}


def _named(field: str, text: str) -> Callable[[Mapping[str, Any]], Values]:
    def checked(raw: Mapping[str, Any]) -> Values:
        code = str(raw.get(field, "")).strip()
        if not 1 <= len(code) <= 40:
            raise _bad(field, text)
        return {field: code}

    return checked


def _nothing(_raw: Mapping[str, Any]) -> Values:
    return {}


_STATION: Final = _named("station", "请选择站点")
_LINE: Final = _named("line", "请选择线路")
_CHECKS: Final[dict[Kind, Callable[[Mapping[str, Any]], Values]]] = {
    Kind.TEXT: _text,
    Kind.LOCATE: _nothing,
    Kind.PARAMETERS_ASK: _parameters_ask,
    Kind.PARAMETERS_SET: _parameters_set,
    Kind.PHOTO: _photo,
    Kind.FENCE_SET: _STATION,
    Kind.FENCE_DELETE: _STATION,
    Kind.ROUTE_SET: _LINE,
    Kind.ROUTE_DELETE: _LINE,
    Kind.RESTART: _nothing,
}


def kind_checked(kind: str) -> Kind:
    """Raises Invalid."""
    if kind not in set(Kind):
        raise _bad("kind", f"没有这种指令。可用：{'、'.join(Kind)}")
    return Kind(kind)


def parameters_checked(kind: Kind, raw: Mapping[str, Any], *, terminal: str) -> Values:
    """What is asked, in its limits; what is not asked for is left out. Raises Invalid with the field.

    Another server and a restart need `confirm`: the terminal's number once more.
    """
    values = _CHECKS[kind](raw)
    if (kind is Kind.RESTART or moves_server(values)) and str(raw.get("confirm", "")).strip() != terminal:
        raise _bad("confirm", "请再输入一遍终端号确认：操作不当，终端会失联")
    return values


ROUTE_POINTS_MAX: Final = 200


def area_of(
    number: int, name: str, centre: tuple[float, float], radius_m: int, fence: tuple[tuple[float, float], ...]
) -> Values:
    """A station's yard as a terminal keeps it: a rectangle or polygon where it has a fence, else its circle."""
    area: Values = {"id": number, "name": name[:20]}
    if not fence:
        return {**area, "shape": "circle", "lat": centre[0], "lon": centre[1], "radius_m": radius_m}
    lats, lons = [lat for lat, _ in fence], [lon for _, lon in fence]
    corners = {(min(lats), min(lons)), (min(lats), max(lons)), (max(lats), min(lons)), (max(lats), max(lons))}
    if len(corners) == 4 and set(fence) == corners:
        return {
            **area,
            "shape": "rectangle",
            "top_lat": max(lats),
            "left_lon": min(lons),
            "bottom_lat": min(lats),
            "right_lon": max(lons),
        }
    return {**area, "shape": "polygon", "points": [list(point) for point in fence]}


def route_of(number: int, name: str, points: tuple[tuple[float, float], ...], width_m: int) -> Values:
    """A line's road, thinned evenly to ROUTE_POINTS_MAX turning points with both ends kept."""
    last = len(points) - 1
    count = min(len(points), ROUTE_POINTS_MAX)
    kept = [points[round(index * last / (count - 1))] for index in range(count)] if count > 1 else points
    return {"id": number, "name": name[:20], "width_m": width_m, "points": [list(point) for point in kept]}
