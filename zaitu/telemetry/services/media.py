"""Pictures, sounds and films of terminals: kept under the home as sent, sealed; readable by those who may see positions."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum

from zaitu.access import public as access
from zaitu.kernel import crypto, logs
from zaitu.kernel.errors import Invalid, NotFound, TooLarge, Unavailable
from zaitu.kernel.principal import Principal
from zaitu.kernel.rewriting import Batch, file_exchange
from zaitu.telemetry.codecs.fix import time_checked
from zaitu.telemetry.models import MediaFile, Terminal
from zaitu.telemetry.services.owners import vehicle_at

MAX_BYTES: Final = 4 * 1024 * 1024
"""As much as parts of one message may be together."""
_FOLDER: Final = "telemetry"
_DAY: Final = timedelta(days=1)
_BATCH: Final = 50
_NAME: Final = re.compile(r"([0-9a-f]{32})\.sealed")
_MIMES: Final = {
    "jpeg": "image/jpeg",
    "tif": "image/tiff",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "wmv": "video/x-ms-wmv",
}
_JPEG: Final = b"\xff\xd8\xff"

log = logs.logger("telemetry.media")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A whole 0x0801."""

    terminal: str
    fields: dict[str, Any]
    """As docs/jt808-decode.md lists them."""
    taken_at: datetime | None
    """Aware; None: it does not say."""
    content: bytes


@transaction.atomic
def media_store(sent: Sent, *, now: datetime) -> bool:
    """Keep it; False: it is here already. Raises Invalid (empty), TooLarge (it, or all of the last day), Unavailable (disk full).

    Kept as sent, for it may have to prove something: nothing is decoded, and nothing of it is believed.
    """
    if not sent.content:
        raise Invalid("文件是空的")
    if len(sent.content) > MAX_BYTES:
        raise TooLarge(f"文件不能超过 {MAX_BYTES // 1024 // 1024} MB")
    # One file of a terminal at a time.
    Terminal.objects.select_for_update(no_key=True).filter(terminal=sent.terminal).first()
    told = sent.fields
    sha256 = hashlib.sha256(sent.content).hexdigest()
    if MediaFile.objects.filter(terminal=sent.terminal, media_id=told["media_id"], sha256=sha256).exists():
        return False
    today = MediaFile.objects.filter(terminal=sent.terminal, received_at__gt=now - _DAY)
    volume: int = today.aggregate(size=Sum("size_bytes", default=0))["size"]
    if volume + len(sent.content) > settings.ZAITU_MEDIA_DAY_MB * 1024 * 1024:
        raise TooLarge(f"终端一天最多 {settings.ZAITU_MEDIA_DAY_MB} MB（ZAITU_MEDIA_DAY_MB）")
    usable = time_checked(sent.taken_at, None, now=now) is None
    taken_at = sent.taken_at if usable and sent.taken_at is not None else now
    fixed = bool(told.get("fixed"))
    key = uuid4()
    MediaFile.objects.create(
        id=key,
        terminal=sent.terminal,
        vehicle_id=vehicle_at(sent.terminal, taken_at),
        media_id=told["media_id"],
        kind=str(told["media_kind"])[:10],
        format=str(told["media_format"])[:10],
        event=str(told["event"])[:20],
        channel=told["channel"],
        taken_at=taken_at,
        received_at=now,
        lat=told.get("lat") if fixed else None,
        lon=told.get("lon") if fixed else None,
        size_bytes=len(sent.content),
        sha256=sha256,
        path=_written(key, sent.content),
    )
    return True


def _written(key: UUID, content: bytes) -> str:
    """Where it lies. Raises Unavailable when the disk is full."""
    name = f"{_FOLDER}/{key.hex[:2]}/{key.hex}.sealed"
    try:
        return default_storage.save(name, ContentFile(crypto.seal(content, str(key))))
    except OSError as error:
        with suppress(OSError):
            default_storage.delete(name)  # what did fit must not fill a full disk further
        raise Unavailable("文件没有保存成功") from error


def media_read(*, actor: Principal, media_id: str) -> tuple[bytes, str]:
    """(content, type), which goes on record. Raises NotFound, Unavailable (not on the disk, or not what was stored)."""
    try:
        row = MediaFile.objects.filter(pk=UUID(media_id)).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound("没有这个文件")
    try:
        with default_storage.open(row.path, "rb") as handle:
            content = crypto.unseal(bytes(handle.read()), str(row.pk))
    except (OSError, crypto.Undecipherable) as error:
        log.exception("a terminal's file cannot be read", file=str(row.pk))
        raise Unavailable("文件暂时无法读取") from error
    access.audit(actor=actor, action="media.read", subject=row.terminal, detail={"file": str(row.pk)})
    known = _MIMES.get(row.format, "application/octet-stream")
    if known == "image/jpeg" and not content.startswith(_JPEG):
        known = "application/octet-stream"
    return content, known


def media_forget(now: datetime) -> int:
    """Delete what is older than positions are kept; how many. May run twice.

    A file goes a day after its row: a backup that is being made may know it. So does one whose row was never committed.
    """
    old = now - timedelta(days=settings.ZAITU_POSITIONS_KEEP_DAYS)
    gone, _ = MediaFile.objects.filter(received_at__lt=old).delete()
    before_s = (now - _DAY).timestamp()
    root = Path(default_storage.path(_FOLDER))
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        files = {
            UUID(found[1]): one
            for one in folder.iterdir()
            if (found := _NAME.fullmatch(one.name)) and one.stat().st_mtime < before_s
        }
        known = set(MediaFile.objects.filter(pk__in=files).values_list("pk", flat=True))
        for key in files.keys() - known:
            files[key].unlink(missing_ok=True)
    return gone


def media_reseal() -> Iterator[Batch]:
    """Files under the newest key, while no backup runs. Raises OSError when the disk is full."""
    after: UUID | None = None
    while True:
        rows = MediaFile.objects.order_by("pk")
        batch = list((rows if after is None else rows.filter(pk__gt=after))[:_BATCH])
        if not batch:
            return
        outcomes = [_reseal(row) for row in batch]
        done, failed = outcomes.count(True), outcomes.count(None)
        if done or failed:
            yield Batch(what="media", done=done, failed=failed)
        after = batch[-1].pk


def _reseal(row: MediaFile) -> bool | None:
    """True: done; False: nothing to do; None: no key opens it."""
    target = Path(default_storage.path(row.path))
    try:
        content = target.read_bytes()
    except FileNotFoundError:
        log.warning("a terminal's file is not on the disk", file=str(row.pk))
        return False
    if crypto.sealed_newly(content):
        return False
    try:
        plain = crypto.unseal(content, str(row.pk))
    except crypto.Undecipherable:
        return None
    file_exchange(target, crypto.seal(plain, str(row.pk)))
    return True
