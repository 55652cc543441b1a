"""One message as a channel needs it to send."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zaitu.notify.domain.notices import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    id: str
    """Hex digits; the same at every try."""
    claim: int
    kind: Kind
    waybill: str
    address: str
    """E-mail address or webhook URL."""
    secret: str
    """`whsec_…`; empty for e-mail."""
    words: Mapping[str, str | int | float]
    at: datetime
    useful_until: datetime
    attempts: int
    """Counting the try that now begins."""
    endpoint_id: int | None
    company: str = ""
    """What the company that tells is called; may be empty."""
    hotline: str = ""
    """Where people can ask; may be empty."""
