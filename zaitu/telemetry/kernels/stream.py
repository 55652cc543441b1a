"""Many connections' bytes → frames: cut, unescaped and verified in one pass, whatever pieces they arrive in.

The same meaning as codecs.jt808.framing (`Deframer`, `unwrap`), which tests compare it with. A connection's half frame is kept
unescaped in its `half` until the rest comes.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import Bytes, Ints
from zaitu.telemetry.codecs.jt808.framing import CONTENT_MAX, CONTENT_MIN
from zaitu.telemetry.kernels.compiled import kernel

BAD_CODES: Final = ("too_short", "too_long", "bad_escape", "bad_checksum")
"""Of FrameError, by their index in `Wires.bad`."""
_TOO_SHORT, _TOO_LONG, _BAD_ESCAPE, _BAD_CHECKSUM = range(4)
# States of a connection's stream.
_OUTSIDE, _INSIDE, _ESCAPED, _BROKEN, _DROPPING = range(5)


class Wires(NamedTuple):
    """What is remembered of each connection's stream, by slot. Untouched rows of `half` take no memory."""

    half: npt.NDArray[np.uint8]
    """(slots, CONTENT_MAX): the frame begun, unescaped."""
    size: npt.NDArray[np.int32]
    """Bytes of it."""
    taken: npt.NDArray[np.int32]
    """Bytes of it as they came."""
    state: npt.NDArray[np.int8]
    junk: npt.NDArray[np.int64]
    """Bytes before the first delimiter."""
    bad: npt.NDArray[np.int64]
    """(slots, 4) frames refused since `wire_reset`, by BAD_CODES."""
    bad_in_a_row: npt.NDArray[np.int64]
    """Frames refused since the last good one."""


def wires(slots: int) -> Wires:
    return Wires(
        half=np.empty((slots, CONTENT_MAX), dtype=np.uint8),
        size=np.zeros(slots, dtype=np.int32),
        taken=np.zeros(slots, dtype=np.int32),
        state=np.zeros(slots, dtype=np.int8),
        junk=np.zeros(slots, dtype=np.int64),
        bad=np.zeros((slots, len(BAD_CODES)), dtype=np.int64),
        bad_in_a_row=np.zeros(slots, dtype=np.int64),
    )


def wire_reset(all_wires: Wires, slot: int) -> None:
    """A new connection begins in this slot."""
    for array in all_wires[1:]:
        array[slot] = 0


@kernel
def frames_cut(
    received: Bytes,
    pieces: Ints,
    wires: Wires,
    plain: Bytes,
    frames: Ints,
) -> tuple[int, int]:
    """Cut pieces (rows of slot, start, end in `received`; one a slot) at their delimiters.

    Good frames are written to `plain` (header and body, verified, without checksum) and to `frames` as (slot, start, end, piece);
    (frames, bytes of `plain` used). `plain` must hold the received bytes and CONTENT_MAX for each piece; `frames` one for each
    CONTENT_MIN + 1 of received bytes and one for each piece.
    """
    count = 0
    used = 0
    for piece in range(len(pieces)):
        slot, at, end = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
        state = wires.state[slot]
        size = wires.size[slot]
        taken = wires.taken[slot]
        start = used
        for byte in range(size):
            plain[start + byte] = wires.half[slot, byte]
        while at < end:
            byte = received[at]
            at += 1
            if byte == 0x7E:
                if taken > 0 or state == _DROPPING:
                    bad = -1
                    if state == _DROPPING:
                        bad = _TOO_LONG
                    elif state == _BROKEN:
                        bad = _BAD_ESCAPE
                    else:
                        if state == _ESCAPED:
                            # A checksum of 7d that the terminal forgot to escape.
                            plain[start + size] = 0x7D
                            size += 1
                        if size < CONTENT_MIN:
                            bad = _TOO_SHORT
                        else:
                            check = np.uint8(0)
                            for index in range(size):
                                check ^= plain[start + index]
                            if check != 0:
                                bad = _BAD_CHECKSUM
                    if bad >= 0:
                        wires.bad[slot, bad] += 1
                        wires.bad_in_a_row[slot] += 1
                    else:
                        frames[count, 0] = slot
                        frames[count, 1] = start
                        frames[count, 2] = start + size - 1
                        frames[count, 3] = piece
                        count += 1
                        start += size
                size = 0
                taken = 0
                state = _INSIDE
            elif state == _OUTSIDE:
                wires.junk[slot] += 1
            elif state != _DROPPING:
                taken += 1
                if taken > CONTENT_MAX:
                    state = _DROPPING
                elif state == _INSIDE:
                    if byte == 0x7D:
                        state = _ESCAPED
                    else:
                        plain[start + size] = byte
                        size += 1
                elif state == _ESCAPED:
                    if byte == 1 or byte == 2:
                        plain[start + size] = 0x7D if byte == 1 else 0x7E
                        size += 1
                        state = _INSIDE
                    else:
                        state = _BROKEN
        if state == _DROPPING or state == _BROKEN:
            size = 0
        for index in range(size):
            wires.half[slot, index] = plain[start + index]
        wires.size[slot] = size
        wires.taken[slot] = taken
        wires.state[slot] = state
        used = start
    return count, used
