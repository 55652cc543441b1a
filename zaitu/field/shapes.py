"""What the phone is told: views of the rooms as JSON, no more of them than its screens show."""

from dataclasses import asdict
from typing import Any

from zaitu.journey.public import Counts, ScanResult, SheetView, ShipmentView, TripView


def counts(value: Counts) -> dict[str, int]:
    return {
        "expected": value.expected,
        "scanned": value.scanned,
        "short": value.short,
        "over": value.over,
    }


def result(value: ScanResult) -> dict[str, Any]:
    return {**asdict(value), "counts": counts(value.counts) if value.counts else None}


def trip(value: TripView) -> dict[str, Any]:
    return {
        "ref": value.ref,
        "plate": value.plate,
        "line_name": value.line_name,
        "driver": value.driver,
        "state": value.state,
        "state_text": value.state_text,
        "departs_at": value.departs_at,
        "expected": value.expected,
        "loaded": value.loaded,
        "stops": [
            {
                "seq": stop.seq,
                "station_code": stop.station_code,
                "name": stop.name,
                "planned_arrival": stop.planned_arrival,
                "planned_departure": stop.planned_departure,
                "arrived_at": stop.arrived_at,
                "departed_at": stop.departed_at,
            }
            for stop in value.stops
        ],
    }


def sheet(value: SheetView) -> dict[str, Any]:
    return {
        "trip": value.trip,
        "plate": value.plate,
        "station_code": value.station_code,
        "station_name": value.station_name,
        "rows": [asdict(row) for row in value.rows],
        "behind": [asdict(row) for row in value.behind],
        "load": counts(value.load),
        "unload": counts(value.unload),
    }


def shipment(value: ShipmentView) -> dict[str, Any]:
    """Goods and places; never the parties (the delivery screen asks for its one person by itself)."""
    return {
        "waybill": value.row.waybill,
        "goods": value.row.goods,
        "pieces": value.row.pieces,
        "status": value.row.status,
        "status_text": value.row.status_text,
        "from_name": value.row.from_name,
        "to_name": value.row.to_name,
        "exception": value.row.exception_text,
        "remarks": value.remarks,
        "items": [{"sku": sku, "name": name, "quantity": quantity} for sku, name, quantity in value.items],
    }
