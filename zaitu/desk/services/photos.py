"""Photos of entries: re-encoded, sealed, and taken off the disk with what they belong to."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from zaitu.desk.domain.views import PHOTOS_MAX
from zaitu.desk.models import Attachment, Entry
from zaitu.kernel import crypto, logs, pictures
from zaitu.kernel.errors import Invalid, Unavailable
from zaitu.kernel.rewriting import Batch, files_rewrite

log = logs.logger("desk.photos")


def photos_checked(photos: Sequence[bytes]) -> list[bytes]:
    """Written anew, without what a phone hides in them. Raises Invalid, TooLarge."""
    if len(photos) > PHOTOS_MAX:
        raise Invalid("照片太多", fields={"photos": f"最多 {PHOTOS_MAX} 张照片"})
    try:
        return [pictures.encoded(photo)[0] for photo in photos]
    except Invalid as error:
        raise Invalid("照片无法使用", fields={"photos": "须为 JPEG、PNG 或 WebP 图片"}) from error


def photos_keep(entry: Entry, images: Iterable[bytes]) -> None:
    """Raises Unavailable when the disk is full."""
    for image in images:
        file_id = uuid4()
        name = f"desk/{file_id.hex[:2]}/{file_id.hex}.sealed"
        try:
            path = default_storage.save(name, ContentFile(crypto.seal(image, str(file_id))))
        except OSError as error:
            with suppress(OSError):
                default_storage.delete(name)  # what did fit must not fill a full disk further
            raise Unavailable("照片没有保存成功，请稍后重试") from error
        Attachment.objects.create(id=file_id, entry=entry, path=path, size_bytes=len(image))


def photo_content(row: Attachment) -> bytes:
    """Raises Unavailable when it is not on the disk, or is not what was stored."""
    try:
        return pictures.opened(str(row.pk), pictures.stored(row.path))
    except (OSError, crypto.Undecipherable) as error:
        log.exception("a photo cannot be read", file=str(row.pk))
        raise Unavailable("照片暂时无法读取") from error


def photos_remove(conversations: Iterable[int]) -> None:
    """Rows now, files once that is committed."""
    rows = list(Attachment.objects.filter(entry__conversation__in=conversations))
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    for row in rows:
        transaction.on_commit(lambda path=row.path: _delete(path))  # type: ignore[misc]  # mypy does not see the default


def _delete(path: str) -> None:
    try:
        default_storage.delete(path)
    except OSError:
        log.exception("a photo could not be deleted", path=path)


def files_reseal() -> Iterator[Batch]:
    """Under the newest key; see `kernel.rewriting.files_rewrite`."""
    return files_rewrite(Attachment.objects.all(), _reseal)


def _reseal(row: Attachment) -> bool | None:
    try:
        return pictures.reseal(row.path, str(row.pk))
    except FileNotFoundError:
        log.warning("a photo is not on the disk", file=str(row.pk))
        return False
