"""Cutting a stream into PDUs: both protocols begin them with their length, four octets. Pure."""

from collections.abc import Iterator

from zaitu.notify.channels.operators.dialect import Garbage


def frames(buffer: bytearray, *, shortest: int, longest: int) -> Iterator[bytes]:
    """Take the whole PDUs off the buffer's front; the last half one stays. Raises Garbage for an impossible length."""
    while len(buffer) >= 4:
        length = int.from_bytes(buffer[:4], "big")
        if not shortest <= length <= longest:
            raise Garbage(f"length {length}")
        if len(buffer) < length:
            return
        frame = bytes(buffer[:length])
        del buffer[:length]
        yield frame


class Reader:
    """Fields off a PDU's body, one after the other. Raises ValueError where it ends too soon or too late."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def octets(self, size: int) -> bytes:
        if size > self.left:
            raise ValueError(f"{size - self.left} octets are missing")
        self._at += size
        return self._body[self._at - size : self._at]

    def number(self, size: int = 1) -> int:
        return int.from_bytes(self.octets(size), "big")

    def text(self, size: int) -> str:
        """A field of fixed length, filled up with zeros."""
        return self.octets(size).split(b"\0", 1)[0].decode("latin-1")

    def until_zero(self, most: int) -> str:
        """A field that a zero ends; `most` octets with it."""
        end = self._body.find(b"\0", self._at, self._at + most)
        if end < 0:
            raise ValueError("no zero where a text ends")
        found = self._body[self._at : end].decode("latin-1")
        self._at = end + 1
        return found

    def end(self) -> None:
        if self.left:
            raise ValueError(f"{self.left} octets too many")


def padded(text: str, size: int) -> bytes:
    """A field of fixed length. Raises ValueError where it does not fit."""
    octets = text.encode("latin-1")
    if len(octets) > size or b"\0" in octets:
        raise ValueError(f"a text does not fit into {size} octets")
    return octets.ljust(size, b"\0")


def zero_ended(text: str, most: int) -> bytes:
    """A field that a zero ends; `most` octets with it. Raises ValueError where it does not fit."""
    return padded(text, most - 1).rstrip(b"\0") + b"\0"
