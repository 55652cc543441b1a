"""The tracking document: what one shipment's page and API answer say, in both languages, built once at each change.

It holds no position (one fix would rewrite two hundred documents) and no people: positions are joined at read, names and phones
are read from their own room for those who may see them. `api` holds the answer of the public API already encoded, so that a cold
read parses nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from zaitu.journey.domain.document_input import (
    DocumentInput,
    NodeInput,
    PlaceInput,
    ProofInput,
    StopInput,
    TripInput,
)
from zaitu.journey.domain.document_words import (
    eta_reason_words,
    exception_words,
    headline_words,
    node_words,
    relation_words,
)
from zaitu.journey.domain.statuses import DETAIL_TEXTS, STATUS_TEXTS, Status

CHINA: Final = timezone(timedelta(hours=8))
"""What Chinese clocks show; kernel.clock, which also knows the present, is not for pure rules."""
LANGUAGES: Final = ("zh", "en")
"""Order of every pair of words in this room."""
STATION_PRECISION_M: Final = 1_000
"""Goods at a station may be in any hall of its yard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a shipment is, as far as the reader may know."""

    lat: float
    lon: float
    """WGS-84 degrees."""
    precision_m: int
    """The true place at `at` is within this many metres."""
    at: datetime
    course_deg: int | None = None
    along_m: float | None = None
    """Metres along the trip's route; None off the route or without one."""


def instant(at: datetime | None) -> str | None:
    """ISO 8601 on a Chinese wall clock with its offset, to the second."""
    return None if at is None else at.astimezone(CHINA).isoformat(timespec="seconds")


def _parsed(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def both(words: tuple[str, str]) -> dict[str, str]:
    return dict(zip(LANGUAGES, words, strict=True))


def build(facts: DocumentInput) -> dict[str, Any]:
    """The document as it is stored: JSON, both languages. Nodes are newest first."""
    trip = None if facts.trip is None else _trip(facts.trip)
    document: dict[str, Any] = {
        "waybill": facts.waybill,
        "version": facts.version,
        "status": facts.status.value,
        "status_text": both(STATUS_TEXTS[facts.status]),
        "detail": facts.detail.value,
        "detail_text": both(DETAIL_TEXTS[facts.detail]),
        "headline": both(headline_words(facts)),
        "status_at": instant(facts.status_at),
        "final": facts.final,
        "signed_at": instant(facts.signed_at),
        "eta": instant(facts.eta),
        "eta_from": instant(facts.eta_from),
        "eta_to": instant(facts.eta_to),
        "eta_planned": instant(facts.eta_planned),
        "eta_reason": both(eta_reason_words(facts.eta_reason)),
        "product": facts.product,
        "place": _place(facts.place),
        "origin": _place(facts.origin),
        "destination": _place(facts.destination),
        "nodes": [_node(node) for node in reversed(facts.nodes)],
        "exception": _exception(facts.exception),
        "trip": trip,
        "pieces": {"total": facts.pieces_total, "signed": facts.signed_pieces},
        "cold_band_c": list(facts.cold_band_c) if _is_cold(facts) else None,
        "proofs": [_proof(proof) for proof in facts.proofs],
        "parent": facts.parent,
        "children": list(facts.children),
        "numbers": [list(pair) for pair in facts.numbers],
        "updated_at": instant(facts.updated_at),
    }
    document["api"] = {lang: encoded(document, lang=lang) for lang in LANGUAGES}
    return document


def _is_cold(facts: DocumentInput) -> bool:
    return any(bound is not None for bound in facts.cold_band_c)


def _place(place: PlaceInput | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"name": place.name, "city": place.city, "lat": place.lat, "lon": place.lon}


def _node(node: NodeInput) -> dict[str, Any]:
    return {
        "at": instant(node.at),
        "kind": node.kind,
        "status": node.status.value,
        "detail": node.detail.value,
        "place": node.place.name if node.place else None,
        "text": both(node_words(node)),
        "pieces": node.pieces,
        "number": node.number,
        "problem": bool(node.exception) and node.kind != "problem_solved",
        "by_partner": node.by_partner,
    }


def _exception(overlay: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without the responsible party, which stays inside; the words somebody typed go in `note`, for parties only."""
    if not overlay:
        return None
    text, plan = exception_words(str(overlay.get("code", "")))
    return {
        "code": overlay.get("code"),
        "level": overlay.get("level"),
        "text": both(text),
        "plan": both(plan),
        "action_required": bool(overlay.get("action_required")),
        "eta_delta_min": overlay.get("eta_delta"),
        "since": instant(_parsed(overlay.get("since"))),
        "note": {"cause": overlay.get("cause") or "", "plan": overlay.get("plan") or ""},
    }


def _trip(trip: TripInput) -> dict[str, Any]:
    return {
        "ref": trip.ref,
        "line_name": trip.line_name,
        "length_m": round(trip.length_m),
        "leg_from_m": round(trip.leg_from_m),
        "leg_to_m": round(trip.leg_to_m),
        "on_board": trip.on_board,
        "stops": [_stop(stop) for stop in trip.stops],
    }


def _stop(stop: StopInput) -> dict[str, Any]:
    return {
        "seq": stop.seq,
        "name": stop.place.name,
        "city": stop.place.city,
        "lat": stop.place.lat,
        "lon": stop.place.lon,
        "along_m": round(stop.along_m),
        "state": stop.state,
        "key_node": stop.key_node,
        "planned_arrival": instant(stop.planned_arrival),
        "eta": instant(stop.eta),
        "arrived_at": instant(stop.arrived_at),
        "departed_at": instant(stop.departed_at),
    }


def _proof(proof: ProofInput) -> dict[str, Any]:
    return {
        "at": instant(proof.at),
        "relation": both(relation_words(proof.relation)),
        "pieces": proof.pieces,
        "signature": proof.signature,
        "photos": list(proof.photos),
    }


def api_view(document: Mapping[str, Any], *, lang: str) -> dict[str, Any]:
    """The public API's answer in one language, without its `position`: what a stranger may know."""
    exception = document["exception"]
    return {
        "waybill": document["waybill"],
        "status": document["status"],
        "status_text": document["status_text"][lang],
        "detail": document["detail"],
        "eta": document["eta"],
        "eta_from": document["eta_from"],
        "eta_to": document["eta_to"],
        "nodes": [
            {
                "at": node["at"],
                "status": node["status"],
                "detail": node["detail"],
                "place": node["place"],
                "text": node["text"][lang],
                # Documents written by earlier versions do not say it.
                "by_partner": node.get("by_partner", False),
            }
            for node in document["nodes"]
        ],
        "exception": exception
        and {
            "code": exception["code"],
            "level": exception["level"],
            "text": exception["text"][lang],
            "plan": exception["plan"][lang],
            "action_required": exception["action_required"],
            "eta_delta_min": exception["eta_delta_min"],
            "since": exception["since"],
        },
    }


_BEFORE_POSITION: Final = ',"position":'


def encoded(document: Mapping[str, Any], *, lang: str) -> str:
    """The API's answer up to its last value, a line feed, and what that value (the position) is without a vehicle.

    Compact JSON has no line feed of its own; `answer` puts the two together.
    """
    view = api_view(document, lang=lang)
    head = json.dumps(view, ensure_ascii=False, separators=(",", ":")).removesuffix("}")
    return f"{head}{_BEFORE_POSITION}\n{position_json(_at_station(document))}"


def answer(api: str, position: Position | None) -> str:
    """The API's answer from an encoded one and the vehicle's position; with None the place where the goods lie, if any."""
    head, _, still = api.rpartition("\n")
    return f"{head}{still if position is None else position_json(position)}}}"


def position_json(position: Position | None) -> str:
    """`{lat, lon, precision_m, at}` or `null`. Six decimals are 0.1 m."""
    if position is None:
        return "null"
    return (
        f'{{"lat":{round(position.lat, 6)},"lon":{round(position.lon, 6)},'
        f'"precision_m":{position.precision_m},"at":"{instant(position.at)}"}}'
    )


_LYING: Final = frozenset(
    {Status.AWAITING_DEPARTURE, Status.AT_STOP, Status.ARRIVED, Status.READY_FOR_PICKUP}
)


def _at_station(document: Mapping[str, Any]) -> Position | None:
    """Goods that lie somewhere lie at the station of the last scan, whose address anybody may know."""
    place = document["place"]
    if document["status"] not in _LYING or place is None or place["lat"] is None:
        return None
    at = datetime.fromisoformat(document["status_at"])
    return Position(lat=place["lat"], lon=place["lon"], precision_m=STATION_PRECISION_M, at=at)


def details(
    document: Mapping[str, Any], *, lang: str, contacts: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """What only a party to the shipment is told beyond the common answer."""
    exception = document["exception"]
    trip = document["trip"]
    return {
        "headline": document["headline"][lang],
        "detail_text": document["detail_text"][lang],
        "updated_at": document["updated_at"],
        "eta_planned": document["eta_planned"],
        "eta_reason": document["eta_reason"][lang],
        "pieces": document["pieces"],
        "line": trip and trip["line_name"],
        "stops": trip["stops"] if trip else [],
        "exception_note": exception and exception["note"],
        "contacts": list(contacts),
        "proofs": [{**proof, "relation": proof["relation"][lang]} for proof in document["proofs"]],
        "split_from": document["parent"],
        "split_into": document["children"],
        "partner_numbers": [
            {"number": number, "carrier": carrier} for number, carrier in document["numbers"]
        ],
    }
