"""Messages that come in several frames, put together.

Parts belong together when terminal, message and total are the same and each serial says the same first one
(first = serial − number + 1). Terminals that send something else in between break that rule: such pieces are joined once the
terminal has been quiet, if no number comes twice and the serials rise with the numbers. What is still missing is asked for
(0x8003); what does not come is given up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import Final

from zaitu.telemetry.codecs.jt808.framing import FrameError
from zaitu.telemetry.codecs.jt808.header import Header
from zaitu.telemetry.codecs.jt808.messages import Message, message_of
from zaitu.telemetry.codecs.jt808.profiles import STANDARD, Profile

ASK_MAX: Final = 255
"""Numbers in one 0x8003: its count is a byte until 2013."""
_PIECES_MAX: Final = 64
"""Of one upload before they are joined, or dropped when they do not fit."""
_FINISHED_MAX: Final = 4096
"""Parts of finished messages that are still recognised when they come again."""
_GAPS_MAX: Final = 512
_OVERHEAD: Final = 256
"""Bytes that holding a part costs besides its body."""
_HALF: Final = 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A message with all its parts."""

    header: Header
    """Of part 1, without its package."""
    closing: Header
    """Of the last part, as sent."""
    body: bytes
    tail: bytes
    """The last part's share of it."""

    def read(self, profile: Profile = STANDARD) -> Message:
        """Raises FrameError `short_body`."""
        return message_of(self.header, self.body, profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Parts to ask for again, in answer to `header`: encode.resend_body(ask.first_serial, ask.numbers, version)."""

    header: Header
    first_serial: int
    numbers: tuple[int, ...]
    beginning: bytes = b""
    """The body of part 1, if that is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    wholes: list[Whole] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLimits:
    quiet_s: float = 1.0
    """Without a part for so long, pieces are joined."""
    patience_s: float = 5.0
    """Without a part for so long, the missing are asked for; and then again after as long."""
    tries: int = 3
    """Requests without an answer before a message is given up."""
    keep_s: float = 3600.0
    """From its first part on, whatever comes."""
    uploads: int = 8
    """Unfinished ones of a terminal; then its oldest goes."""
    terminal_bytes: int = 4 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024


@dataclass(slots=True)
class _Piece:
    """Parts that name the same first serial, or were joined; serials rise with the numbers, but for what was asked for."""

    first: int
    headers: dict[int, Header] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    asked: frozenset[int] = frozenset()
    low: int = 0xFFFF
    high: int = 0
    cost: int = 0

    def put(self, number: int, header: Header, body: bytes) -> None:
        self.headers[number], self.bodies[number] = header, body
        self.low, self.high = min(self.low, number), max(self.high, number)
        self.cost += _cost(body)

    def holds(self, header: Header, number: int, body: bytes) -> bool:
        return (
            number in self.bodies
            and self.headers[number].serial == header.serial
            and self.bodies[number] == body
        )


@dataclass(slots=True)
class _Upload:
    """All pieces of one terminal with the same message id and total."""

    total: int
    begun_s: float
    heard_s: float
    pieces: list[_Piece] = field(default_factory=list)
    asked_s: float = float("-inf")
    tries: int = 0

    def join(self) -> None:
        if len(self.pieces) > 1:
            self.pieces = _joined(self.pieces)

    def idle(self, at_s: float) -> float:
        """Seconds since anything happened: a part came, or was asked for."""
        return at_s - max(self.heard_s, self.asked_s)


@dataclass(slots=True)
class _Terminal:
    uploads: dict[tuple[int, int], _Upload] = field(default_factory=dict)
    """By message id and total, the least recently heard first."""
    held: int = 0


def _cost(body: bytes) -> int:
    return len(body) + _OVERHEAD


class Parts:
    """Parts of one connection or of many. Pure: the caller tells the time (`at_s`, monotonic)."""

    def __init__(self, limits: PartLimits | None = None) -> None:
        self._limits = limits or PartLimits()
        self._terminals: dict[str, _Terminal] = {}
        """The least recently heard first."""
        self._finished: dict[tuple[str, int, int, int], int] = {}
        self.held_bytes = 0
        self.given_up = 0
        """Messages dropped unfinished."""
        self.repeated = 0
        """Parts that came again."""

    def add(self, header: Header, body: bytes, at_s: float) -> Whole | None:
        """Take a part; the message when it was the last one missing. Raises FrameError `bad_package`."""
        package = header.package
        if package is None or not 1 <= package.number <= package.total:
            raise FrameError("bad_package", f"not a part of a message: {package}")
        number, first = package.number, header.serial - package.number + 1 & 0xFFFF
        if self._finished.get((header.phone, header.msg_id, header.serial, number)) == hash(body):
            self.repeated += 1
            return None
        terminal = self._terminals[header.phone] = self._terminals.pop(header.phone, _Terminal())
        key = (header.msg_id, package.total)
        upload = terminal.uploads.pop(key, _Upload(package.total, at_s, at_s))
        terminal.uploads[key] = upload
        if any(piece.holds(header, number, body) for piece in upload.pieces):
            self.repeated += 1
            return None
        upload.heard_s, upload.tries = at_s, 0
        piece = self._piece(terminal, upload, first, number)
        piece.put(number, header, body)
        self._count(terminal, _cost(body))
        if len(piece.bodies) == upload.total:
            return self._finish(header.phone, key, piece)
        self._make_room(header.phone, key)
        return None

    def due(self, at_s: float) -> Due:
        """What quiet terminals' pieces make together, and what to ask for. To be called about once a second."""
        due = Due()
        for phone, terminal in list(self._terminals.items()):
            for key, upload in list(terminal.uploads.items()):
                if at_s - upload.begun_s > self._limits.keep_s:
                    self._drop(phone, key)
                elif at_s - upload.heard_s >= self._limits.quiet_s:
                    upload.join()
                    whole = [piece for piece in upload.pieces if len(piece.bodies) == upload.total]
                    due.wholes.extend(self._finish(phone, key, piece) for piece in whole)
                    if upload.pieces and upload.idle(at_s) >= self._limits.patience_s:
                        due.asks.extend(self._asked(phone, key, at_s))
        return due

    def holds(self, phone: str) -> bool:
        """Whether something of this terminal is unfinished."""
        return phone in self._terminals

    def forget(self, phone: str) -> None:
        """Drop what a terminal has not finished."""
        for key in list(self._terminals[phone].uploads) if phone in self._terminals else ():
            self._drop(phone, key)

    def _piece(self, terminal: _Terminal, upload: _Upload, first: int, number: int) -> _Piece:
        for piece in upload.pieces:
            if piece.first == first:
                if number not in piece.bodies:
                    return piece
                # Other content under the same number: the serials have begun anew, the old message will not be finished.
                upload.pieces.remove(piece)
                self._count(terminal, -piece.cost)
                self.given_up += 1
                break
        waiting = [piece for piece in upload.pieces if number in piece.asked and number not in piece.bodies]
        if len(waiting) == 1:
            # Asked for and sent again, under a serial of its own.
            return waiting[0]
        upload.pieces.append(_Piece(first))
        return upload.pieces[-1]

    def _asked(self, phone: str, key: tuple[int, int], at_s: float) -> list[Ask]:
        upload = self._terminals[phone].uploads[key]
        if upload.tries >= self._limits.tries:
            self._drop(phone, key)
            return []
        upload.tries += 1
        upload.asked_s = at_s
        return [_ask(piece, upload.total) for piece in upload.pieces]

    def _finish(self, phone: str, key: tuple[int, int], piece: _Piece) -> Whole:
        terminal = self._terminals[phone]
        upload = terminal.uploads[key]
        upload.pieces.remove(piece)
        self._count(terminal, -piece.cost)
        if not upload.pieces:
            self._remove(phone, key)
        for number, header in piece.headers.items():
            self._finished[phone, header.msg_id, header.serial, number] = hash(piece.bodies[number])
        for old in list(self._finished)[: max(0, len(self._finished) - _FINISHED_MAX)]:
            del self._finished[old]
        body = b"".join(piece.bodies[number] for number in range(1, upload.total + 1))
        return Whole(
            header=replace(piece.headers[1], package=None),
            closing=piece.headers[upload.total],
            body=body,
            tail=piece.bodies[upload.total],
        )

    def _drop(self, phone: str, key: tuple[int, int]) -> None:
        upload = self._terminals[phone].uploads[key]
        self._count(self._terminals[phone], -sum(piece.cost for piece in upload.pieces))
        self.given_up += len(upload.pieces)
        self._remove(phone, key)

    def _remove(self, phone: str, key: tuple[int, int]) -> None:
        del self._terminals[phone].uploads[key]
        if not self._terminals[phone].uploads:
            del self._terminals[phone]

    def _count(self, terminal: _Terminal, more: int) -> None:
        terminal.held += more
        self.held_bytes += more

    def _make_room(self, phone: str, key: tuple[int, int]) -> None:
        """The least recently heard go first, of this terminal and then of all."""
        terminal, limits = self._terminals[phone], self._limits
        if len(terminal.uploads[key].pieces) > _PIECES_MAX:
            terminal.uploads[key].join()
            if len(terminal.uploads[key].pieces) > _PIECES_MAX:
                self._drop(phone, key)
        while len(terminal.uploads) > limits.uploads or terminal.held > limits.terminal_bytes:
            self._drop(phone, next(iter(terminal.uploads)))
        while self.held_bytes > limits.total_bytes:
            oldest = next(iter(self._terminals))
            self._drop(oldest, next(iter(self._terminals[oldest].uploads)))


def _joined(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Pieces put together where one continues another: no number twice, serials rising with the numbers."""
    joined: list[_Piece] = []
    for piece in sorted(pieces, key=lambda one: one.low):
        fitting = next((one for one in joined if _continues(one, piece)), None)
        if fitting is None:
            joined.append(piece)
        else:
            for number, body in piece.bodies.items():
                fitting.put(number, piece.headers[number], body)
    return joined


def _continues(one: _Piece, piece: _Piece) -> bool:
    if one.high < piece.low:
        return _rises(one.headers[one.high].serial, piece.headers[piece.low].serial)
    # One fills the other's gaps: that is looked at only where it costs nothing to look.
    if len(one.bodies) + len(piece.bodies) > _GAPS_MAX or one.bodies.keys() & piece.bodies.keys():
        return False
    serials = [header.serial for _, header in sorted({**one.headers, **piece.headers}.items())]
    return all(_rises(earlier, later) for earlier, later in pairwise(serials))


def _rises(earlier: int, later: int) -> bool:
    return 0 < later - earlier & 0xFFFF < _HALF


def _ask(piece: _Piece, total: int) -> Ask:
    missing = tuple(islice((n for n in range(1, total + 1) if n not in piece.bodies), ASK_MAX))
    piece.asked = frozenset(missing)
    header = piece.headers[piece.low]
    first = header.serial - piece.low + 1 & 0xFFFF
    return Ask(header=header, first_serial=first, numbers=missing, beginning=piece.bodies.get(1, b""))
