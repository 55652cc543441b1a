"""Photos from people: checked, decoded and written anew, and kept sealed.

What a phone hides in a photo (place, device), and what is no image, stays outside.
"""

import io
from pathlib import Path
from typing import Final

from django.core.files.storage import default_storage
from PIL import Image, ImageOps, UnidentifiedImageError

from zaitu.kernel import crypto
from zaitu.kernel.errors import Invalid, TooLarge
from zaitu.kernel.rewriting import file_exchange

MAX_BYTES: Final = 12 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
"""A phone takes 12 to 50 million pixels; more is an attack on memory."""
LONGEST_PX: Final = 1_600
FORMATS: Final = ("JPEG", "PNG", "WEBP")
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
_STORED_MAX: Final = MAX_BYTES + 1024


def encoded(content: bytes, *, lines: bool = False) -> tuple[bytes, str]:
    """(image, MIME type): a JPEG; of `lines` (a signature) a PNG. Raises Invalid, TooLarge."""
    if len(content) > MAX_BYTES:
        raise TooLarge(f"图片不能超过 {MAX_BYTES // 1024 // 1024} MB，请降低分辨率后重拍")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened_image:
            if opened_image.width * opened_image.height > MAX_PIXELS:
                raise TooLarge("图片尺寸过大，请降低分辨率后重拍")
            image = ImageOps.exif_transpose(opened_image)
            image.thumbnail((LONGEST_PX, LONGEST_PX))
            out = io.BytesIO()
            if lines:
                image.convert("RGBA").save(out, "PNG", optimize=True)
                return out.getvalue(), PNG
            image.convert("RGB").save(out, "JPEG", quality=82, optimize=True)
            return out.getvalue(), JPEG
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Invalid(
            "这不是可用的图片，请重新拍摄", fields={"file": "须为 JPEG、PNG 或 WebP 图片"}
        ) from error


def stored(path: str) -> bytes:
    """As it lies on the disk. Raises OSError, also for more than we ever store."""
    with default_storage.open(path, "rb") as handle:
        content = bytes(handle.read(_STORED_MAX + 1))
    if len(content) > _STORED_MAX:
        raise OSError(f"{path} is larger than anything we store")
    return content


def opened(name: str, content: bytes) -> bytes:
    """The image; one stored before files were sealed lies as it is. Raises crypto.Undecipherable."""
    return crypto.unseal(content, name) if crypto.is_sealed(content) else content


def reseal(path: str, name: str) -> bool | None:
    """Under the newest key: True: done; False: nothing to do; None: no key opens it. Raises OSError."""
    content = stored(path)
    if crypto.sealed_newly(content):
        return False
    try:
        image = opened(name, content)
    except crypto.Undecipherable:
        return None
    file_exchange(Path(default_storage.path(path)), crypto.seal(image, name))
    return True
