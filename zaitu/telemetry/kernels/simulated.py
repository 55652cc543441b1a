"""What thousands of simulated JT/T 808 terminals are made of: a terminal is a row in every array of `Fleet`.

Where a vehicle is follows from the second alone, so a frame that was never acknowledged is written anew from the number of its
block. What a terminal reports is made of blocks of one or more fixes; in each cycle of `order` some may be kept back and sent
after the others, as from its memory.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.kernels.calls import Bytes, Ints

Micro = npt.NDArray[np.int32]
Rows = npt.NDArray[np.void]

TERMINAL: Final = np.dtype(
    [
        ("begin_s", "f8"),  # fix time of block 0, seconds since 1970
        ("speed_mps", "f8"),
        ("block", "i8"),  # next to be sent, in the order of sending
        ("heard_ns", "i8"),  # when it last heard anything, or last began to wait
        ("fd", "i4"),
        ("waiting", "i4"),  # frames not yet acknowledged
        ("rest", "i4"),  # bytes the socket had no room for
        ("again", "i4"),  # blocks to be sent once more
        ("again_at", "i4"),
        ("held", "i4"),  # bytes of the frame being received
        ("answer", "i4"),  # result of the newest answer to a registration or authentication
        ("serial", "u2"),
        ("live", "u1"),  # signed in: it may report
        ("notice", "u1"),  # bits below: what its keeper has to look at
        ("escape", "u1"),
        ("inside", "u1"),
        ("code", "u1"),  # length of its authorisation code
    ],
    align=True,
)
ANSWERED, CLOSED, CONNECTED = 1, 2, 4
"""Bits of `notice`."""

# Of `tally`; fixes, or heartbeats when nothing else is sent.
SENT, RESENT, ACKED, REFUSED, HELD, OTHER, BAD, MAX_NS, FRAMES, LOGGED = range(10)
TALLIES: Final = 10
BIN_NS: Final = 100_000
BINS: Final = 100_000
"""Of the histogram of waiting times: 0.1 ms each, the last one holds all longer ones."""

CARRY: Final = 160
"""Bytes of a received frame that are kept; longer ones are not for us."""
CODE_MAX: Final = 64


class Shape(NamedTuple):
    """What is sent and how, the same for every terminal."""

    long_form: int
    """1: the 2019 header."""
    fixes: int
    """In a block, which is a frame; 0: heartbeats only."""
    burst: int
    """Frames a terminal sends at once."""
    window: int
    """Frames on their way at most; a power of two."""
    frame_bytes: int
    """The longest frame takes so many."""
    spacing_m: float
    """Between two vertices of a road."""
    step_s: float
    """Between two fixes, at least 1."""
    per_s: float
    """Turns of terminals per second; 0: as fast as they are acknowledged."""
    logged_from: int
    """Rows from here on write down when they sent each fix."""


class When(NamedTuple):
    """Nanoseconds of the monotonic clock."""

    start_ns: int
    """Of the first terminal's first turn."""
    until_ns: int
    """Of the end of this call."""
    wall_ns: int
    """To be added for nanoseconds since 1970."""


class Fleet(NamedTuple):
    """Rows are terminals."""

    shape: Shape
    terminals: Rows
    """Of TERMINAL."""
    phones: Bytes
    """(rows, 6 or 10) BCD."""
    codes: Bytes
    """(rows, CODE_MAX) authorisation codes."""
    roads: Micro
    """(rows, vertices, 2)."""
    carry: Bytes
    """(rows, CARRY) the frame being received, unescaped."""
    rest: Bytes
    """(rows, …) what the socket had no room for."""
    sent_ns: Ints
    """(rows, window) by serial: when the fix was due; 0: nothing on its way."""
    sent_block: Ints
    sent_serial: npt.NDArray[np.uint16]
    again: Ints
    """(rows, window) blocks that were on their way when the connection broke."""
    order: Ints
    """Of a cycle of blocks: which one is sent when."""
    late: Ints
    """Of a cycle, in the order of sending: 1 from memory."""
    row_of_fd: npt.NDArray[np.int32]
    events: Bytes
    noticed: npt.NDArray[np.int32]
    """Rows with a `notice`, the first as many as `turn` says."""
    tally: Ints
    bins: Ints
    log: Ints
    """(…, 3) row, fix time, monotonic nanoseconds."""
    plain: Bytes
    """Scratch for one frame."""
    out: Bytes
    """Scratch for what a terminal sends at once."""
    inbox: Bytes
    """Scratch for what is read at once."""
    room: Ints
    """Scratch for two numbers."""
