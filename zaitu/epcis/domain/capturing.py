"""What is posted, from bytes to rows: limits, numbers and texts that a database can hold, and what is looked for."""

import hashlib
import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from zaitu.epcis.domain.faults import ValidationFault
from zaitu.epcis.domain.identifiers import URI_MAX
from zaitu.epcis.domain.queries import in_range
from zaitu.epcis.domain.telling import any_epcs_of, epcs_of
from zaitu.epcis.domain.vocabulary import short

EVENTS_MAX: Final = 500
"""Events of one document."""
BYTES_MAX: Final = 1024 * 1024
"""Of one document."""
EPCS_MAX: Final = 5_000
"""Identifiers of goods in one document."""
_LATER: Final = frozenset({"recordTime", "errorDeclaration", "eventID", "@context"})
"""Not part of what happened: an event with these is the one without."""
_SPACE: Final = uuid.UUID("5f0c3f5e-0a53-4d4e-9d0a-3d7f6f7f6f10")
"""Names made of content, for events without an eventID."""


class Behaviour(StrEnum):
    ROLLBACK = "rollback"
    """All or nothing."""
    PROCEED = "proceed"
    """What is right is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An event as it is kept."""

    event_id: str
    fingerprint: str
    body: Mapping[str, Any]
    at: datetime
    declared: bool
    """It declares that an event told before was wrong."""

    def columns(self) -> dict[str, Any]:
        """What is looked for."""
        body = self.body
        return {
            "type": str(body["type"]),
            "action": str(body.get("action", "")),
            "biz_step": short(str(body.get("bizStep", ""))),
            "disposition": short(str(body.get("disposition", ""))),
            "read_point": _id(body.get("readPoint")),
            "biz_location": _id(body.get("bizLocation")),
            "parent": str(body.get("parentID", "")),
            "epcs": epcs_of(body),
            "any_epcs": any_epcs_of(body),
            "at": self.at,
        }


def read(content: bytes) -> Any:
    """JSON that can be kept. Raises ValidationFault."""
    try:
        found = json.loads(content, parse_constant=_no_number, parse_float=_number, parse_int=_integer)
        # What no database takes: a text with NUL, or with half a character.
        if b"\\u0000" in json.dumps(found, ensure_ascii=True).encode():
            raise ValidationFault("文字中不能有控制字符 NUL")
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValidationFault("内容不是有效的 JSON") from None
    return found


def _no_number(text: str) -> float:
    raise ValueError(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _integer(text: str) -> int:
    if len(text) > 40:
        raise ValueError(text)
    return int(text)


def prepared(event: Mapping[str, Any]) -> Prepared:
    """An event that the schema has let through. Raises ValidationFault for what the schema cannot say."""
    at = _instant(str(event["eventTime"]))
    told = {name: value for name, value in event.items() if name not in _LATER}
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    event_id = str(event.get("eventID") or f"urn:uuid:{uuid.uuid5(_SPACE, canonical)}")
    names = [event_id, str(event["type"]), *any_epcs_of(event)]
    names += [str(event.get(name, "")) for name in ("bizStep", "disposition")]
    names += [_id(event.get(name)) for name in ("readPoint", "bizLocation")]
    if any(len(name) > URI_MAX for name in names):
        raise ValidationFault(f"标识最多 {URI_MAX} 个字符")
    return Prepared(
        event_id=event_id,
        fingerprint=hashlib.sha256(canonical.encode()).hexdigest(),
        body=event,
        at=at,
        declared="errorDeclaration" in event,
    )


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError):
        raise ValidationFault("eventTime 不是有效的时间") from None
    if not in_range(at):
        raise ValidationFault("eventTime 超出范围")
    return at


def _id(place: Any) -> str:
    return str(place.get("id", "")) if isinstance(place, dict) else ""
