"""What providers tell us at our own door: receipts, and what people write back. Pure."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.phones import phone_normal
from zaitu.notify.domain.ways import Receipt

BODY_MAX: Final = 256_000
"""Octets of a callback's body."""
TEXT_MAX: Final = 1_000
"""Characters kept of what a person wrote."""
UNSUBSCRIBED: Final = "用户退订"
ADDRESS_INDEX: Final = "notify.address"
"""Purpose of the blind index by which an answer finds the message it answers."""
_NO_MORE: Final = frozenset({"TD", "T", "N", "退订"})
_CHINA: Final = timezone(timedelta(hours=8))
_YEARS: Final = range(2000, 2100)
"""Others are no times of messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a provider."""

    method: str
    """GET or POST."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at: datetime
    """When it came; aware, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody wrote to us."""

    ref: str
    """The provider's name of it, at most 100 characters: it may be told twice."""
    address: str
    """Whence: a phone as kernel.phones spells it, an openid."""
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a call means, and what the provider expects as its answer."""

    receipts: tuple[Receipt, ...] = ()
    heard: tuple[Heard, ...] = ()
    answer: str = ""
    content_type: str = "application/json"
    status: int = 200


def unsubscribes(text: str) -> bool:
    """Whether somebody wants no more messages: TD, T, N or 退订 alone, in whatever width and case."""
    plain = unicodedata.normalize("NFKC", text).strip(" \t\r\n\u3000。.!！\"'“”")
    return plain.upper() in _NO_MORE


def rows_of(body: bytes) -> list[Mapping[str, Any]]:
    """The objects of a JSON array, or the one that is alone; what is no object is left out. Raises ValueError."""
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    rows = document if isinstance(document, list) else [document]
    return [row for row in rows if isinstance(row, dict)]


def text_of(row: Mapping[str, Any], name: str) -> str:
    """A value as text that a database can hold; empty when it is missing or none."""
    value = row.get(name)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return "".join(c for c in str(value) if c.isprintable() or c == "\n").strip()


def beijing(text: str, otherwise: datetime) -> datetime:
    """`2026-11-27 08:03:04` on a Chinese clock."""
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
    except ValueError:
        return otherwise
    return at if at.year in _YEARS else otherwise


def unix(text: str, otherwise: datetime) -> datetime:
    """Whole seconds since 1970."""
    try:
        at = datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise
    return at if at.year in _YEARS else otherwise


def phone(number: str, country: str = "") -> str:
    """As kernel.phones spells it; as it came where it looks like none."""
    spelt = number if country in {"", "86"} or number.startswith("+") else f"+{country}{number}"
    try:
        return phone_normal(spelt)
    except Invalid:
        return spelt[:40]
