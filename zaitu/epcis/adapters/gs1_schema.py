"""Documents and events against the GS1 JSON schema of EPCIS 2.0, formats too (ADR 0095)."""

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zaitu.epcis.domain.faults import ValidationFault

if TYPE_CHECKING:
    import jsonschema_rs

_FILE: Final = Path(__file__).parents[1] / "schema" / "epcis-2.0.json"
_AT_MOST: Final = 5
"""Faults told of one event."""
_PLACE_MAX: Final = 120


@functools.cache
def _validators() -> "tuple[jsonschema_rs.Draft7Validator, jsonschema_rs.Draft7Validator]":
    """Of what is posted, and of one event in a list. Loaded when first needed: most processes never are."""
    import jsonschema_rs  # noqa: PLC0415  see above

    whole = json.loads(_FILE.read_text(encoding="utf-8"))
    event = {"$ref": "#/definitions/EPCIS-Document-Event", "definitions": whole["definitions"]}
    return (
        jsonschema_rs.Draft7Validator(whole, validate_formats=True),
        jsonschema_rs.Draft7Validator(event, validate_formats=True),
    )


def document_check(document: Any) -> None:
    """All of it but its events. Raises ValidationFault."""
    body = document.get("epcisBody") if isinstance(document, dict) else None
    events = body.get("eventList") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(events, list):
        document = {**document, "epcisBody": {**body, "eventList": []}}
    _check(_validators()[0], document)


def event_check(event: Any) -> None:
    """One of a document's events. Raises ValidationFault."""
    _check(_validators()[1], event)


def bare_event_check(event: Any) -> None:
    """An event that is posted alone, with a context of its own. Raises ValidationFault."""
    _check(_validators()[0], event)
    _check(_validators()[1], event)


def _check(validator: "jsonschema_rs.Draft7Validator", instance: Any) -> None:
    try:
        faults = [
            _said(fault) for _, fault in zip(range(_AT_MOST), validator.iter_errors(instance), strict=False)
        ]
    except ValueError:  # nested deeper than it follows
        faults = ["嵌套过深"]
    if faults:
        raise ValidationFault("；".join(faults))


def _said(fault: Any) -> str:
    """Where, and what the schema says of it, without the content it repeats."""
    place = "/".join(str(part) for part in fault.instance_path)[:_PLACE_MAX]
    return f"{place or '文档'}：不符合 EPCIS 2.0 的 {fault.kind.name} 规则"
