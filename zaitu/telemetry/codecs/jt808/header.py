"""The message header, in its short (2011, 2013) and long (2019) form."""

import struct
from dataclasses import dataclass
from typing import Final

from zaitu.telemetry.codecs.jt808.framing import FrameError

_BODY_LENGTH: Final = 0x03FF
_RSA: Final = 0x0400
_ENCRYPTION: Final = 0x1C00
_PACKAGED: Final = 0x2000
_LONG_FORM: Final = 0x4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One part of a message that was sent in several frames."""

    total: int
    number: int
    """From 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    msg_id: int
    attributes: int
    protocol: int | None
    """Version byte of the long form; None in the short one."""
    phone_bcd: bytes
    """As sent: answers carry the same bytes."""
    serial: int
    package: Package | None

    @property
    def phone_padded(self) -> str:
        """12 or 20 digits as sent; hexadecimal letters where the id is not decimal."""
        return self.phone_bcd.hex()

    @property
    def phone(self) -> str:
        """The terminal: without leading zeros, for a 2013 and a 2019 firmware pad one number differently."""
        return self.phone_padded.lstrip("0") or "0"

    @property
    def long_form(self) -> bool:
        return self.protocol is not None

    @property
    def version_bit(self) -> bool:
        """As sent; some terminals set it with the short form, or leave it out with the long one."""
        return bool(self.attributes & _LONG_FORM)


def _length(attributes: int, *, long_form: bool) -> int:
    return (17 if long_form else 12) + (4 if attributes & _PACKAGED else 0)


def header_parse(plain: bytes) -> tuple[Header, bytes]:
    """Header and body of an unwrapped frame. Raises FrameError: too_short, bad_length, rsa_encrypted, unknown_encryption.

    Some terminals set the version bit and send the short form, or the reverse: when the declared length fits only the
    other form, that form it is (the checksum has been verified before).
    """
    msg_id, attributes = struct.unpack_from(">HH", plain)
    declared = attributes & _BODY_LENGTH
    flagged = bool(attributes & _LONG_FORM)
    for long_form in (flagged, not flagged):
        length = _length(attributes, long_form=long_form)
        if length + declared == len(plain):
            break
    else:
        length = _length(attributes, long_form=flagged)
        raise FrameError("bad_length", f"body of {declared} bytes declared, {len(plain) - length} sent")
    if attributes & _ENCRYPTION:
        code = "rsa_encrypted" if attributes & _RSA else "unknown_encryption"
        raise FrameError(code, f"encryption bits {attributes >> 10 & 7:03b}")
    return _header(msg_id, attributes, plain, long_form=long_form), plain[length:]


def _header(msg_id: int, attributes: int, plain: bytes, *, long_form: bool) -> Header:
    at = 15 if long_form else 10
    package = None
    if attributes & _PACKAGED:
        total, number = struct.unpack_from(">HH", plain, at + 2)
        package = Package(total=total, number=number)
    return Header(
        msg_id=msg_id,
        attributes=attributes,
        protocol=plain[4] if long_form else None,
        phone_bcd=plain[5:15] if long_form else plain[4:10],
        serial=int.from_bytes(plain[at : at + 2], "big"),
        package=package,
    )


def header_claims(plain: bytes) -> Header | None:
    """What a frame that was refused says of itself, by its own version bit; None when it is too short to say."""
    if len(plain) < 4:
        return None
    msg_id, attributes = struct.unpack_from(">HH", plain)
    long_form = bool(attributes & _LONG_FORM)
    if len(plain) < _length(attributes, long_form=long_form):
        return None
    return _header(msg_id, attributes, plain, long_form=long_form)
