"""Proof of delivery: who took how many pieces, with signature, photos and place."""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zaitu.journey.domain.signing import SignerRelation, detail_of, proof_missing, relation_of
from zaitu.journey.domain.statuses import Detail
from zaitu.journey.models import JourneyEvent, Proof, Shipment, StoredFile
from zaitu.kernel.words import shown

SIGNER_MAX: Final = 40
REMARKS_MAX: Final = 300
PHOTOS_MAX: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    signer: str
    relation: SignerRelation
    pieces: int
    signature: uuid.UUID | None
    photos: tuple[uuid.UUID, ...]
    place: tuple[float, float, float] | None
    """(lat, lon, accuracy in metres)."""
    remarks: str

    @property
    def detail(self) -> Detail:
        return detail_of(self.relation, self.remarks)


def checked(
    shipment: Shipment, data: Mapping[str, Any], *, one_piece: bool, count: int | None
) -> Taken | str:
    """The proof a signature scan carries, or a sentence saying what is missing."""
    relation = relation_of(str(data.get("relation", "")))
    if relation is None:
        return "请选择签收方式：本人、代收或无接触"
    signer = shown(str(data.get("signer", "")))[:SIGNER_MAX]
    files = _files(shipment, [data.get("signature"), *_list(data.get("photos"))])
    if files is None:
        return "照片或签名没有上传成功，请重新拍摄"
    signature = next((pk for pk, kind in files if kind == "signature"), None)
    photos = tuple(pk for pk, kind in files if kind == "photo")[:PHOTOS_MAX]
    if missing := proof_missing(relation, signer, signature=signature is not None, photos=len(photos)):
        return missing
    left = shipment.pieces_total - shipment.signed_pieces
    pieces = 1 if one_piece else left if count is None else count
    if pieces > left:
        return f"还有 {left} 件可签收，不能签 {pieces} 件"
    return Taken(
        signer=signer,
        relation=relation,
        pieces=pieces,
        signature=signature,
        photos=photos,
        place=_place(data.get("place")),
        remarks=shown(str(data.get("note", "")))[:REMARKS_MAX],
    )


def photos_of(shipment: Shipment, data: Mapping[str, Any]) -> list[str]:
    """Ids of the photos a scan names, of this shipment only."""
    return [str(pk) for pk, kind in _files(shipment, _list(data.get("photos"))) or () if kind == "photo"]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _files(shipment: Shipment, ids: Sequence[object]) -> list[tuple[uuid.UUID, str]] | None:
    """(id, kind) in the order given; None when one of them is not a file of this shipment."""
    wanted: list[uuid.UUID] = []
    for one in ids:
        if not one:
            continue
        try:
            wanted.append(uuid.UUID(str(one)))
        except ValueError:
            return None
    kinds = dict(StoredFile.objects.filter(pk__in=wanted, shipment_id=shipment.pk).values_list("id", "kind"))
    if len(kinds) < len(set(wanted)):
        return None
    return [(pk, kinds[pk]) for pk in wanted]


def _place(value: object) -> tuple[float, float, float] | None:
    """Where the phone says it is; nothing rather than nonsense."""
    if not isinstance(value, Mapping):
        return None
    try:
        lat, lon, accuracy_m = (float(value.get(name) or 0) for name in ("lat", "lon", "acc_m"))
    except (TypeError, ValueError):
        return None
    if not all(map(math.isfinite, (lat, lon, accuracy_m))) or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    return (lat, lon, max(0.0, accuracy_m)) if lat or lon else None


def store(events: Sequence[JourneyEvent], shipment: Shipment, taken: Taken) -> None:
    """Keep the proof of the signature among these events; none when the signature had been told before."""
    signed = next((event for event in events if event.kind == "signed"), None)
    if signed is None:
        return
    place = taken.place or (None, None, None)
    Proof.objects.create(
        shipment=shipment,
        event=signed,
        signer=taken.signer,
        relation=taken.relation.value,
        pieces=taken.pieces,
        signature=taken.signature,
        photos=list(taken.photos),
        lat=place[0],
        lon=place[1],
        accuracy_m=place[2],
        remarks=taken.remarks,
    )
