"""Photos and signatures: checked, re-encoded and kept under the home, sealed; readable by those who may see the shipment."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache, partial
from typing import Final
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from zaitu.access import public as access
from zaitu.journey.models import Shipment, StoredFile
from zaitu.kernel import clock, crypto, logs, pictures
from zaitu.kernel.errors import Conflict, Invalid, TooLarge, Unavailable
from zaitu.kernel.principal import Principal

KINDS: Final = {"photo": "照片", "signature": "签名"}
PER_SHIPMENT: Final = 200

log = logs.logger("journey.files")


@transaction.atomic
def file_store(
    *, actor: Principal, shipment: Shipment, kind: str, content: bytes, file_id: UUID | None = None
) -> str:
    """Keep an image of a shipment; its id. Raises Invalid, TooLarge, Conflict, and Unavailable when the disk is full.

    A phone that lost the answer sends the file again under the id it made: that is the same file, and nothing is stored.
    The image is decoded and written anew: what the phone hid in it (place, device) and what is no image stays outside.
    """
    if kind not in KINDS:
        raise Invalid("只能上传照片或签名", fields={"kind": "只能上传照片或签名"})
    encoded, mime = _encoded(content, kind)
    Shipment.objects.select_for_update(no_key=True).get(pk=shipment.pk)  # one file of a shipment at a time
    known = StoredFile.objects.filter(pk=file_id).first() if file_id else None
    if known is not None:
        if (known.shipment_id, known.created_by) != (shipment.pk, actor.name[:80]):
            raise Conflict("这个图片编号已用于另一张图片，请重新拍摄")
        return str(known.pk)
    if StoredFile.objects.filter(shipment=shipment).count() >= PER_SHIPMENT:
        raise TooLarge(f"一票最多保存 {PER_SHIPMENT} 张图片")
    row = _written(actor, shipment, kind, (encoded, mime), file_id or uuid4())
    row.save(force_insert=True)
    access.audit(
        actor=actor,
        action="file.store",
        subject=shipment.waybill,
        detail={"file": str(row.pk), "kind": kind},
    )
    return str(row.pk)


def signatures_import(*, actor: Principal, images: Iterable[tuple[Shipment, bytes]]) -> dict[int, UUID]:
    """Keep signatures of a history, one a shipment: their ids by shipment. Checked as any, in one statement. Raises Invalid."""
    encoded = cache(partial(_encoded, kind="signature"))
    rows = [_written(actor, shipment, "signature", encoded(content), uuid4()) for shipment, content in images]
    StoredFile.objects.bulk_create(rows)
    return {row.shipment_id: row.pk for row in rows}


def _written(
    actor: Principal, shipment: Shipment, kind: str, image: tuple[bytes, str], file_id: UUID
) -> StoredFile:
    """The image on the disk, and its row, not saved yet. Raises Unavailable when the disk is full."""
    encoded, mime = image
    name = f"journey/{file_id.hex[:2]}/{file_id.hex}.sealed"
    try:
        path = default_storage.save(name, ContentFile(crypto.seal(encoded, str(file_id))))
    except OSError as error:
        with suppress(OSError):
            default_storage.delete(name)  # what did fit must not fill a full disk further
        raise Unavailable("图片没有保存成功，请稍后重试") from error
    return StoredFile(
        id=file_id,
        shipment=shipment,
        kind=kind,
        path=path,
        mime=mime,
        size_bytes=len(encoded),
        created_by=actor.name[:80],
        created_at=clock.now(),
    )


def _encoded(content: bytes, kind: str) -> tuple[bytes, str]:
    return pictures.encoded(content, lines=kind == "signature")


def file_content(row: StoredFile) -> bytes:
    """Raises Unavailable when the file is not on the disk, or is not what was stored."""
    try:
        return opened(row, stored(row))
    except (OSError, crypto.Undecipherable) as error:
        log.exception("a stored file cannot be read", file=str(row.pk))
        raise Unavailable("图片暂时无法读取") from error


def stored(row: StoredFile) -> bytes:
    """As it lies on the disk. Raises OSError, also for more than we ever store."""
    return pictures.stored(row.path)


def opened(row: StoredFile, content: bytes) -> bytes:
    """The image. Raises crypto.Undecipherable."""
    return pictures.opened(str(row.pk), content)
