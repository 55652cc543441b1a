"""What terminals tell beside positions, and how much of it is shown to everybody who may see positions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    DRIVER_CARD = "driver_card"
    """0x0702: a driver put a card in or took it out."""
    WAYBILL = "waybill"
    """0x0701: text that somebody typed in, or that another device gave."""
    MEDIA = "media"
    """0x0800: a picture was taken, and may come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaView:
    id: str
    terminal: str
    kind: str
    format: str
    event: str
    channel: int
    taken_at: datetime
    received_at: datetime
    lat: float | None
    lon: float | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    id: int
    terminal: str
    kind: str
    at: datetime
    body: Mapping[str, Any]
    """Names as in docs/jt808-decode.md; personal ones masked, unless it was asked for them."""
    hidden: bool
    """Something of it is masked."""


def masked(kind: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """(what everybody may see, whether something is hidden). Of free text only its length: it may hold anything."""
    shown = dict(body)
    if kind == Kind.WAYBILL:
        words = str(shown.pop("text", ""))
        return shown | {"length": len(words)}, bool(words)
    for name, mask in _PERSONAL.items():
        if shown.get(name):
            shown[name] = mask(str(shown[name]))
    return shown, any(body.get(name) for name in _PERSONAL)


def _name(text: str) -> str:
    return text[:1] + "*" * max(1, len(text) - 1)


def _digits(text: str) -> str:
    return "****" + text[-4:] if len(text) > 6 else "****"


_PERSONAL: Final = {"name": _name, "certificate": _digits, "id_number": _digits}
