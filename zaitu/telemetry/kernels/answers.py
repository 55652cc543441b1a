"""0x8001 for many frames: built, checked and escaped, those of one connection side by side for one send."""

from typing import Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Bytes, Ints
from zaitu.telemetry.kernels.compiled import inlined, kernel
from zaitu.telemetry.kernels.jt808 import Claims

ANSWER_MAX: Final = 2 + 2 * 23
"""Bytes of one answer when every one is escaped."""


@inlined
def _put(out: Bytes, at: int, byte: int, check: Bytes) -> int:
    check[0] ^= byte
    if byte == 0x7D or byte == 0x7E:
        out[at] = 0x7D
        out[at + 1] = 1 if byte == 0x7D else 2
        return at + 2
    out[at] = byte
    return at + 1


@kernel
def answers_pack(
    frames: Ints, chosen: Ints, results: Ints, claims: Claims, serials: Ints, out: Bytes, runs: Ints
) -> int:
    """Answer the chosen frames (indexes, those of a connection together) with `results`; how many runs there are.

    `serials`, by slot: our next number on each connection; moved on. `runs`: (slot, start, end in `out`) for each connection.
    """
    check = np.zeros(1, dtype=np.uint8)
    count, at, before = 0, 0, -1
    for number in range(len(chosen)):
        frame = chosen[number]
        slot = frames[frame, 0]
        if slot != before:
            runs[count, 0], runs[count, 1] = slot, at
            count += 1
            before = slot
        long_form = claims.protocol[frame] != NONE
        serial, to, msg_id = serials[slot], claims.serial[frame], claims.msg_id[frame]
        serials[slot] = (serial + 1) & 0xFFFF
        out[at] = 0x7E
        at += 1
        check[0] = 0
        at = _put(out, at, 0x80, check)
        at = _put(out, at, 0x01, check)
        at = _put(out, at, 0x40 if claims.flag[frame] else 0, check)
        at = _put(out, at, 5, check)
        if long_form:
            at = _put(out, at, claims.protocol[frame], check)
        for byte in range(10 if long_form else 6):
            at = _put(out, at, claims.phone[frame, byte], check)
        at = _put(out, at, serial >> 8, check)
        at = _put(out, at, serial & 0xFF, check)
        at = _put(out, at, to >> 8, check)
        at = _put(out, at, to & 0xFF, check)
        at = _put(out, at, msg_id >> 8, check)
        at = _put(out, at, msg_id & 0xFF, check)
        at = _put(out, at, results[number], check)
        at = _put(out, at, int(np.int64(check[0])), check)
        out[at] = 0x7E
        at += 1
        runs[count - 1, 2] = at
    return count
