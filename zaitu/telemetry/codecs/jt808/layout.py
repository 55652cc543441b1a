"""Bodies as tables: one declaration of a message reads it and writes it.

A `Layout` is a row of parts in the order of the standard's table. Reading gives values by name, as JSON knows them; writing takes
the same names. Text is GBK, numbers are big-endian.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from zaitu.telemetry.codecs.jt808.framing import FrameError
from zaitu.telemetry.codecs.jt808.values import text, time_bcd, time_parse

Values = dict[str, Any]
_GMT8: Final = timedelta(hours=8)


class Reader:
    """A body, taken from the front. `version` is `2011`, `2013` or `2019`."""

    def __init__(self, body: bytes, version: str) -> None:
        self._body = body
        self._at = 0
        self.version = version

    @property
    def left(self) -> int:
        """Bytes not yet taken."""
        return len(self._body) - self._at

    def take(self, size: int, what: str) -> bytes:
        """Raises FrameError `short_body`."""
        if size > self.left:
            raise FrameError("short_body", f"{what} needs {size} bytes, {self.left} are left")
        self._at += size
        return self._body[self._at - size : self._at]

    def number(self, size: int, what: str) -> int:
        """Raises FrameError `short_body`."""
        return int.from_bytes(self.take(size, what), "big")

    def rest(self) -> bytes:
        return self.take(self.left, "the rest")


class Part(Protocol):
    """One or more fields of a body."""

    def read(self, body: Reader, into: Values) -> None:
        """Raises FrameError `short_body`."""

    def write(self, values: Values, version: str) -> bytes:
        """Raises ValueError, KeyError, TypeError when a value is missing or does not fit."""


def _packed(name: str, value: Any, size: int) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{name} is a whole number of {size} bytes, not {value!r}")
    return value.to_bytes(size, "big")


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned number of `size` bytes."""

    name: str
    size: int

    def read(self, body: Reader, into: Values) -> None:
        into[self.name] = body.number(self.size, self.name)

    def write(self, values: Values, version: str) -> bytes:
        return _packed(self.name, values[self.name], self.size)


@dataclass(frozen=True, slots=True)
class Named:
    """A number that stands for a word; what the standard does not name stays a number."""

    name: str
    size: int
    words: Mapping[int, str]

    def read(self, body: Reader, into: Values) -> None:
        code = body.number(self.size, self.name)
        into[self.name] = self.words.get(code, code)

    def write(self, values: Values, version: str) -> bytes:
        value = values[self.name]
        codes = {word: code for code, word in self.words.items()}
        return _packed(self.name, codes.get(value, value), self.size)


@dataclass(frozen=True, slots=True)
class Hexed:
    """A number that people write in hexadecimal: `0x8103`."""

    name: str
    size: int

    def read(self, body: Reader, into: Values) -> None:
        into[self.name] = f"0x{body.number(self.size, self.name):04x}"

    def write(self, values: Values, version: str) -> bytes:
        return _packed(self.name, int(values[self.name], 16), self.size)


@dataclass(frozen=True, slots=True)
class Bits:
    """A list of the words whose bits are set, lowest first; `bit_N` where the standard gives none."""

    name: str
    size: int
    words: Mapping[int, str]
    pair: Mapping[int, str] = field(default_factory=dict)
    """Words of the number in the lowest two bits, where these are one; 3 is meant where none of them is given."""

    def read(self, body: Reader, into: Values) -> None:
        into[self.name] = self.names(body.number(self.size, self.name))

    def write(self, values: Values, version: str) -> bytes:
        return _packed(self.name, self.number(values.get(self.name, [])), self.size)

    def names(self, number: int) -> list[str]:
        first = 2 if self.pair else 0
        words = [self.pair[number & 3]] if number & 3 in self.pair else []
        return words + [
            self.words.get(bit, f"bit_{bit}") for bit in range(first, 8 * self.size) if number >> bit & 1
        ]

    def number(self, names: Sequence[str]) -> int:
        """Raises ValueError for a word that is none of ours."""
        bits = {word: bit for bit, word in self.words.items()}
        chosen = [value for value, word in self.pair.items() if word in names]
        if len(chosen) > 1:
            raise ValueError(f"{self.name} has one of {', '.join(self.pair.values())}")
        number = chosen[0] if chosen else 3 if self.pair else 0
        for word in (one for one in names if one not in self.pair.values()):
            if word not in bits and not word.removeprefix("bit_").isdecimal():
                raise ValueError(f"{self.name} has no {word!r}")
            number |= 1 << (bits[word] if word in bits else int(word.removeprefix("bit_")))
        return number


@dataclass(frozen=True, slots=True)
class Digits:
    """BCD, as text of 2 × `size` digits."""

    name: str
    size: int

    def read(self, body: Reader, into: Values) -> None:
        into[self.name] = body.take(self.size, self.name).hex()

    def write(self, values: Values, version: str) -> bytes:
        digits = bytes.fromhex(values[self.name])
        if len(digits) != self.size:
            raise ValueError(f"{self.name} has {2 * self.size} digits")
        return digits


@dataclass(frozen=True, slots=True)
class Moment:
    """BCD YYMMDDhhmmss → ISO 8601 in UTC; null where it is no time. Sent at GMT+8 unless `utc`."""

    name: str
    utc: bool = False

    def read(self, body: Reader, into: Values) -> None:
        bcd = body.take(6, self.name)
        at, _flag = time_parse(bcd)
        if at is not None and self.utc:
            at += _GMT8
        into[self.name] = None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def write(self, values: Values, version: str) -> bytes:
        told = values[self.name]
        if told is None:
            return bytes(6)
        at = told if isinstance(told, datetime) else datetime.fromisoformat(told)
        return bytes.fromhex(at.astimezone(UTC).strftime("%y%m%d%H%M%S")) if self.utc else time_bcd(at)


@dataclass(frozen=True, slots=True)
class Text:
    """GBK: of `size` bytes, padded with zeros; or after its length in `prefix` bytes; or all that is left."""

    name: str
    size: int | None = None
    prefix: int = 0

    def read(self, body: Reader, into: Values) -> None:
        size = body.number(self.prefix, f"the length of {self.name}") if self.prefix else self.size
        into[self.name] = text(body.rest() if size is None else body.take(size, self.name))

    def write(self, values: Values, version: str) -> bytes:
        content = str(values.get(self.name, "")).encode("gbk")
        if self.size is not None:
            if len(content) > self.size:
                raise ValueError(f"{self.name} has at most {self.size} bytes")
            return content.ljust(self.size, b"\0")
        return (_packed(self.name, len(content), self.prefix) if self.prefix else b"") + content


@dataclass(frozen=True, slots=True)
class Raw:
    """All that is left, in hexadecimal."""

    name: str

    def read(self, body: Reader, into: Values) -> None:
        into[self.name] = body.rest().hex()

    def write(self, values: Values, version: str) -> bytes:
        return bytes.fromhex(values.get(self.name, ""))


@dataclass(frozen=True, slots=True)
class Group:
    """Parts in a row, where one is wanted."""

    parts: tuple[Part, ...]

    def read(self, body: Reader, into: Values) -> None:
        for part in self.parts:
            part.read(body, into)

    def write(self, values: Values, version: str) -> bytes:
        return b"".join(part.write(values, version) for part in self.parts)


def group(*parts: Part) -> Group:
    return Group(parts)


@dataclass(frozen=True, slots=True)
class When:
    """A part that is there only if what stands before it says so."""

    test: Callable[[Values], bool]
    part: Part

    def read(self, body: Reader, into: Values) -> None:
        if self.test(into):
            self.part.read(body, into)

    def write(self, values: Values, version: str) -> bytes:
        return self.part.write(values, version) if self.test(values) else b""


@dataclass(frozen=True, slots=True)
class IfSent:
    """A part at the end that may be left out; it is written when `key` is among the values."""

    key: str
    part: Part

    def read(self, body: Reader, into: Values) -> None:
        if body.left:
            self.part.read(body, into)

    def write(self, values: Values, version: str) -> bytes:
        return self.part.write(values, version) if self.key in values else b""


@dataclass(frozen=True, slots=True)
class ByVersion:
    """Two forms of a part: until 2013, and of 2019; None: not there."""

    old: Part | None
    new: Part | None

    def read(self, body: Reader, into: Values) -> None:
        part = self.new if body.version == "2019" else self.old
        if part is not None:
            part.read(body, into)

    def write(self, values: Values, version: str) -> bytes:
        part = self.new if version == "2019" else self.old
        return b"" if part is None else part.write(values, version)


@dataclass(frozen=True, slots=True)
class Many:
    """A count of `count` bytes and as many items: objects of `part`, or bare values when `part` is one named field."""

    name: str
    count: int
    part: Part
    bare: str = ""
    """The field whose value alone is the item."""

    def read(self, body: Reader, into: Values) -> None:
        items: list[Any] = []
        into[self.name] = items
        for _ in range(body.number(self.count, f"the count of {self.name}")):
            item: Values = {}
            self.part.read(body, item)
            items.append(item[self.bare] if self.bare else item)

    def write(self, values: Values, version: str) -> bytes:
        items = values.get(self.name, [])
        pieces = [self.part.write({self.bare: item} if self.bare else item, version) for item in items]
        return _packed(f"the count of {self.name}", len(pieces), self.count) + b"".join(pieces)


def numbers(name: str, *, count: int, size: int) -> Many:
    """A counted list of numbers."""
    return Many(name, count, Number("number", size), bare="number")


@dataclass(frozen=True, slots=True)
class Layout:
    parts: tuple[Part, ...]

    def read(self, body: bytes, version: str) -> Values:
        """Values by name; bytes that follow the last part come as `rest`. Raises FrameError `short_body`."""
        reader, values = Reader(body, version), Values()
        for part in self.parts:
            part.read(reader, values)
        if reader.left:
            values["rest"] = reader.rest().hex()
        return values

    def write(self, values: Values, version: str) -> bytes:
        """Raises ValueError when a value is missing or does not fit."""
        try:
            pieces = [part.write(values, version) for part in self.parts]
            return b"".join(pieces) + bytes.fromhex(values.get("rest", ""))
        except KeyError as error:
            raise ValueError(f"{error.args[0]} is missing") from error
        except (TypeError, AttributeError) as error:
            raise ValueError(f"a value of the wrong kind: {error}") from error


def layout(*parts: Part) -> Layout:
    return Layout(parts)


EMPTY: Final = layout()
