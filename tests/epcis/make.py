"""Documents and events as partners send them."""

from datetime import timedelta

from zaitu.kernel import clock

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"


def event(epc="urn:epc:id:sgtin:0614141.107346.2017", *, ago_min=5, **fields):
    at = clock.local(clock.now() - timedelta(minutes=ago_min)).isoformat(timespec="milliseconds")
    body = {
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventTime": at,
        "eventTimeZoneOffset": "+08:00",
        "epcList": [epc],
        "bizStep": "departing",
        "disposition": "in_transit",
    } | fields
    return {name: value for name, value in body.items() if value is not None}


def document(*events, **fields):
    return {
        "@context": [CONTEXT, {"example": "https://ns.example.com/epcis/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-22T11:30:47.0Z",
        "epcisBody": {"eventList": list(events)},
    } | fields
