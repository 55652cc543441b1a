"""Plain makers of what tracking documents are built from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from zaitu.journey.domain.document_input import (
    DocumentInput,
    NodeInput,
    PlaceInput,
    ProofInput,
    StopInput,
    TripInput,
)
from zaitu.journey.domain.statuses import Detail, Status

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SHANGHAI = PlaceInput(code="SHA01", name="上海青浦仓", city="上海", lat=31.15, lon=121.12)
WUHAN = PlaceInput(code="WUH01", name="武汉中转站", city="武汉", lat=30.58, lon=114.27)
CHENGDU = PlaceInput(code="CTU01", name="成都青白江站", city="成都", lat=30.88, lon=104.25)


def node(kind: str, status: Status, detail: Detail, **more: Any) -> NodeInput:
    values = {"at": NOW, "kind": kind, "status": status, "detail": detail, "place": SHANGHAI} | more
    return NodeInput(**values)


def stop(seq: int, place: PlaceInput, along_m: float, state: str) -> StopInput:
    return StopInput(
        seq=seq,
        place=place,
        along_m=along_m,
        state=state,
        key_node=True,
        planned_arrival=NOW + timedelta(hours=seq),
        eta=NOW + timedelta(hours=seq),
        arrived_at=None,
        departed_at=None,
    )


def trip(**more: Any) -> TripInput:
    values: dict[str, Any] = {
        "ref": "T20261122-001",
        "line_code": "SHA-CTU",
        "line_name": "上海–武汉–成都",
        "length_m": 1_900_000.0,
        "leg_from_m": 0.0,
        "leg_to_m": 1_900_000.0,
        "on_board": True,
        "stops": (
            stop(0, SHANGHAI, 0, "passed"),
            stop(1, WUHAN, 830_000, "passed"),
            stop(2, CHENGDU, 1_900_000, "ahead"),
        ),
    } | more
    return TripInput(**values)


def signed(**more: Any) -> DocumentInput:
    proof = ProofInput(at=NOW, relation="on_behalf", pieces=30, signature="f1", photos=("f2",))
    return replace(
        facts(status=Status.SIGNED, detail=Detail.ON_BEHALF, final=True, signed_at=NOW, proofs=(proof,)),
        **more,
    )


def facts(**more: Any) -> DocumentInput:
    values: dict[str, Any] = {
        "waybill": "ZT0000000000000",
        "status": Status.IN_TRANSIT,
        "detail": Detail.LEFT_STOP,
        "status_at": NOW,
        "final": False,
        "signed_at": None,
        "place": WUHAN,
        "exception": None,
        "eta": NOW + timedelta(hours=2),
        "eta_from": NOW + timedelta(hours=1, minutes=40),
        "eta_to": NOW + timedelta(hours=2, minutes=20),
        "eta_planned": NOW + timedelta(hours=1),
        "eta_reason": "departed_late",
        "product": "STD",
        "goods": "配件",
        "pieces_total": 30,
        "signed_pieces": 0,
        "cold_band_c": (None, None),
        "origin": SHANGHAI,
        "destination": CHENGDU,
        "nodes": (
            node("ordered", Status.ORDERED, Detail.ACCEPTED, at=NOW - timedelta(days=1)),
            node("departed", Status.IN_TRANSIT, Detail.DEPARTED, at=NOW - timedelta(hours=16)),
            node("stop_left", Status.IN_TRANSIT, Detail.LEFT_STOP, place=WUHAN),
        ),
        "trip": trip(),
        "proofs": (),
        "parent": "",
        "children": (),
        "numbers": (("SF1234567890", "顺丰"),),
        "version": 7,
        "updated_at": NOW,
    } | more
    return DocumentInput(**values)
