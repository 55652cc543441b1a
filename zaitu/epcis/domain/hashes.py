"""The eventID of an event that has none of its own: the hash of CBV 2.0 §8.9.2, of what our events are made of."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_CBV: Final = "https://ref.gs1.org/cbv/"


def event_hash(event: Mapping[str, Any], namespace: str) -> str:
    """`ni:///sha-256;<hex>?ver=CBV2.0`, whatever is recorded or declared of the event later.

    `namespace` is what the prefix of its own fields stands for. Knows the fields that showing.py writes and no others.
    """
    digest = hashlib.sha256("".join(_parts(event, namespace)).encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def _parts(event: Mapping[str, Any], namespace: str) -> Iterator[str]:
    """In the order of the standard; fields of the event's own come last, in alphabetical order."""
    yield f"eventType={event['type']}"
    at = datetime.fromisoformat(event["eventTime"]).astimezone(UTC)
    yield f"eventTime={at.strftime('%Y-%m-%dT%H:%M:%S')}.{at.microsecond // 1000:03}Z"
    yield f"eventTimeZoneOffset={event['eventTimeZoneOffset']}"
    yield from (f"parentID={event['parentID']}" for _ in [0] if "parentID" in event)
    for name in ("epcList", "childEPCs"):
        if event.get(name):
            yield name + "".join(f"epc={one}" for one in sorted(event[name]))
    yield f"action={event['action']}"
    if "bizStep" in event:
        yield f"bizStep={_CBV}BizStep-{event['bizStep']}"
    if "disposition" in event:
        yield f"disposition={_CBV}Disp-{event['disposition']}"
    for name in ("readPoint", "bizLocation"):
        if name in event:
            yield f"{name}id={event[name]['id']}"
    several = sorted(
        f"type={_CBV}BTT-{one['type']}bizTransaction={one['bizTransaction']}"
        for one in event.get("bizTransactionList", ())
    )
    yield "bizTransactionList" + "".join(several) if several else ""
    own = {name.partition(":")[2]: value for name, value in event.items() if ":" in name}
    yield from sorted(f"{{{namespace}}}{name}={value}" for name, value in own.items())
