"""The body of a webhook: Standard Webhooks 1.0, `{type, timestamp, data}`. Instants are told in +08:00, as in the API."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from zaitu.notify.domain.notices import Kind

BODY_MAX: Final = 20_000
"""Bytes; the standard's limit is 20 kB."""


def body(kind: Kind, *, waybill: str, data: Mapping[str, str | int | float], at: datetime) -> str:
    """The exact text that is signed and sent. `at` is on a Chinese wall clock. Raises ValueError over `BODY_MAX`, which `notices.tidy` rules out."""
    text = json.dumps(
        {
            "type": f"shipment.{kind.value}" if kind is not Kind.TEST else "endpoint.test",
            "timestamp": at.isoformat(timespec="milliseconds"),
            "data": {"waybill": waybill, **data},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    if len(text.encode()) >= BODY_MAX:
        raise ValueError(f"a webhook body of {len(text.encode())} bytes")
    return text
