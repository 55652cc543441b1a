"""Finding what was scanned, and what is known of it."""

import re
from dataclasses import dataclass
from typing import Final

from zaitu.journey.models import NumberLink, Piece, Shipment, Trip
from zaitu.kernel.waybills import Mistyped, waybill_normal

TRIP_REF: Final = re.compile(r"T\d{8}-\d{3}")
_LABEL: Final = re.compile(r"(.+)-(\d{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    shipment_id: int
    waybill: str
    piece: tuple[int, str] | None
    """(id, label)."""


def find(code: str) -> Scanned | None:
    """The shipment of a waybill, a piece label, or a partner's number; None for none of ours."""
    text = code.strip().upper()
    return _piece(text) or _shipment(text)


def _piece(text: str) -> Scanned | None:
    match = _LABEL.fullmatch(text)
    if match is None:
        return None
    waybill = _normal(match[1])
    piece = Piece.objects.filter(label=f"{waybill}-{match[2]}").select_related("shipment").first()
    if waybill is None or piece is None:
        return None
    return Scanned(
        shipment_id=piece.shipment_id, waybill=piece.shipment.waybill, piece=(piece.pk, piece.label)
    )


def _shipment(text: str) -> Scanned | None:
    waybill = _normal(text)
    found = Shipment.objects.filter(waybill=waybill or text).values_list("id", "waybill").first()
    if found is None and text:
        found = (
            NumberLink.objects.filter(number=text)
            .order_by("-id")
            .values_list("shipment_id", "shipment__waybill")
            .first()
        )
    return Scanned(shipment_id=found[0], waybill=found[1], piece=None) if found else None


def _normal(text: str) -> str | None:
    try:
        return waybill_normal(text, label=False)
    except Mistyped:
        return None


def trip_of(ref: str) -> Trip | None:
    return Trip.objects.filter(ref=ref.strip().upper()).first()
