"""What both settings' addresses say: `scheme://account:secret@host:port?window=16&rate=100&beat=30&…`. Pure."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from zaitu.notify.channels.operators.dialect import Place

WINDOW_USUAL, WINDOW_MOST = 16, 64
RATE_USUAL: Final = 100
BEAT_USUAL_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    place: Place
    account: str
    secret: str = field(repr=False)
    asked: dict[str, str]
    """Everything after the question mark."""


def read(url: str, *, port: int, tls_scheme: str = "") -> Address:
    """The setting's shape has been checked (config/values.py); numbers out of range are taken as the nearest in it."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    place = Place(
        host=parts.hostname or "localhost",
        port=parts.port or port,
        tls=bool(tls_scheme) and parts.scheme == tls_scheme,
        window=min(max(whole(asked, "window", WINDOW_USUAL), 1), WINDOW_MOST),
        rate=max(whole(asked, "rate", RATE_USUAL), 0),
        beat_s=max(float(whole(asked, "beat", BEAT_USUAL_S)), 1.0),
    )
    return Address(
        place=place, account=unquote(parts.username or ""), secret=unquote(parts.password or ""), asked=asked
    )


def whole(asked: dict[str, str], name: str, usual: int) -> int:
    """A whole number; what is not one is as if it were not there."""
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else usual
