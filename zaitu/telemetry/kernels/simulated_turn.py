"""Thousands of simulated terminals report and hear their acknowledgements: the hot part of `zaitu simulate`."""

import math
from typing import Final

import numpy as np

from zaitu.telemetry.kernels.calls import (
    AGAIN,
    BROKEN,
    READABLE,
    WRITABLE,
    event_fd,
    event_flags,
    monotonic_ns,
    receive,
    send,
    wait,
)
from zaitu.telemetry.kernels.compiled import bare
from zaitu.telemetry.kernels.simulated import (
    ACKED,
    ANSWERED,
    BAD,
    BIN_NS,
    CARRY,
    CLOSED,
    CODE_MAX,
    CONNECTED,
    FRAMES,
    HELD,
    LOGGED,
    MAX_NS,
    OTHER,
    REFUSED,
    RESENT,
    SENT,
    Fleet,
    When,
)
from zaitu.telemetry.kernels.simulated_frames import block_s, put_block

_REGISTER_REPLY: Final = 0x8100
_REPLY: Final = 0x8001
_AUTHENTICATE: Final = 0x0102
_DELIMITER: Final = 0x7E
_ESCAPE: Final = 0x7D
NOTHING, LEFTOVERS, ALL = range(3)
"""What is sent: nothing, what broken connections left, or new fixes too."""
_BUNCH: Final = 256
"""Turns between two looks at what came in."""
_QUIET_NS: Final = 1_000_000
_AHEAD_S: Final = 1.0
"""A fix may be so far ahead of the clock: whole seconds are rounded."""
_HANDLED: Final = 4
"""Result "alarm handled": as good as 0."""


@bare
def _last_s(fleet: Fleet, row: int, block: int) -> int:
    shape = fleet.shape
    first_s = block_s(shape, fleet.order, fleet.terminals["begin_s"][row], block)
    return first_s + math.floor((shape.fixes - 1) * shape.step_s)


@bare
def _notice(fleet: Fleet, row: int, bit: int, count: int) -> int:
    """Put a row before its keeper; how many are there now."""
    notice = fleet.terminals["notice"]
    if notice[row] == 0:
        fleet.noticed[count] = row
        count += 1
    notice[row] |= bit
    return count


@bare
def _closed(fleet: Fleet, row: int, count: int) -> int:
    fleet.terminals["live"][row] = 0
    return _notice(fleet, row, CLOSED, count)


@bare
def _flush(fleet: Fleet, row: int, length: int) -> int:
    """Send `fleet.out[:length]`; what does not go keeps. 0, or minus the error number."""
    taken = send(fleet.terminals["fd"][row], fleet.out[:length], fleet.room)
    if taken == AGAIN:
        taken = 0
    if taken < 0:
        return taken
    for index in range(taken, length):
        fleet.rest[row, index - taken] = fleet.out[index]
    fleet.terminals["rest"][row] = length - taken
    return 0


@bare
def _flush_rest(fleet: Fleet, row: int) -> int:
    """Send what was left; the number of bytes still left, or minus the error number."""
    left = fleet.terminals["rest"][row]
    if left == 0:
        return 0
    taken = send(fleet.terminals["fd"][row], fleet.rest[row, :left], fleet.room)
    if taken == AGAIN:
        return int(left)
    if taken < 0:
        return taken
    for index in range(taken, left):
        fleet.rest[row, index - taken] = fleet.rest[row, index]
    fleet.terminals["rest"][row] = left - taken
    return int(left - taken)


@bare
def _may_report(fleet: Fleet, row: int, wall_s: float) -> bool:
    """A terminal has no fix of the future."""
    return not fleet.shape.fixes or _last_s(fleet, row, fleet.terminals["block"][row]) <= wall_s + _AHEAD_S


@bare
def _log(fleet: Fleet, row: int, block: int, now_ns: int) -> None:
    at = fleet.tally[LOGGED]
    if row >= fleet.shape.logged_from and at < len(fleet.log):
        fleet.log[at, 0] = row
        fleet.log[at, 1] = _last_s(fleet, row, block)
        fleet.log[at, 2] = now_ns
        fleet.tally[LOGGED] += 1


@bare
def _on_its_way(fleet: Fleet, row: int, block: int, due_ns: int, now_ns: int) -> None:
    """Remember a frame under the terminal's serial until it is acknowledged."""
    terminals = fleet.terminals
    serial = terminals["serial"][row]
    slot = serial & (fleet.shape.window - 1)
    if terminals["waiting"][row] == 0:
        terminals["heard_ns"][row] = now_ns
    fleet.sent_ns[row, slot] = due_ns
    fleet.sent_block[row, slot] = block
    fleet.sent_serial[row, slot] = serial
    terminals["serial"][row] = (serial + 1) & 0xFFFF
    terminals["waiting"][row] += 1
    fleet.tally[FRAMES] += 1
    _log(fleet, row, block, now_ns)


@bare
def _report(fleet: Fleet, row: int, fresh: int, due_ns: int, now_ns: int, wall_ns: int) -> int:
    """Send what a broken connection left and `fresh` new frames; bytes sent, or minus the error number."""
    terminals, shape = fleet.terminals, fleet.shape
    weight = max(shape.fixes, 1)
    left = _flush_rest(fleet, row)
    if left != 0:
        fleet.tally[HELD] += fresh * weight if shape.per_s > 0 else 0
        return min(left, 0)
    length = 0
    while length + shape.frame_bytes <= len(fleet.out):
        serial = terminals["serial"][row]
        once_more = terminals["again_at"][row] < terminals["again"][row]
        if not once_more and (fresh == 0 or not _may_report(fleet, row, (now_ns + wall_ns) / 1e9)):
            break
        if fleet.sent_ns[row, serial & (shape.window - 1)] != 0:
            fleet.tally[HELD] += fresh * weight if shape.per_s > 0 else 0
            break
        if once_more:
            block = fleet.again[row, terminals["again_at"][row]]
            terminals["again_at"][row] += 1
            fleet.tally[RESENT] += weight
        else:
            block = terminals["block"][row]
            terminals["block"][row] += 1
            fleet.tally[SENT] += weight
            fresh -= 1
        length = put_block(fleet, row, serial, block, fleet.out, length)
        _on_its_way(fleet, row, block, due_ns, now_ns)
    if length == 0:
        return 0
    return min(_flush(fleet, row, length), 0) or length


@bare
def _acknowledged(fleet: Fleet, row: int, serial: int, result: int, now_ns: int) -> None:
    slot = serial & (fleet.shape.window - 1)
    since_ns = fleet.sent_ns[row, slot]
    if since_ns == 0 or fleet.sent_serial[row, slot] != serial:
        fleet.tally[OTHER] += 1
        return
    fleet.sent_ns[row, slot] = 0
    fleet.terminals["waiting"][row] -= 1
    fleet.tally[ACKED if result == 0 or result == _HANDLED else REFUSED] += max(fleet.shape.fixes, 1)
    waited_ns = max(now_ns - since_ns, 0)
    fleet.tally[MAX_NS] = max(fleet.tally[MAX_NS], waited_ns)
    fleet.bins[min(waited_ns // BIN_NS, len(fleet.bins) - 1)] += 1


@bare
def _answered(fleet: Fleet, row: int, length: int, now_ns: int, count: int) -> int:
    """A whole frame of `length` bytes in `carry`, checksum included."""
    frame, terminals = fleet.carry[row], fleet.terminals
    check = np.uint8(0)
    for index in range(length):
        check ^= frame[index]
    head = 17 if length > 2 and frame[2] & 0x40 else 12
    if check != 0 or length < head + 4:
        fleet.tally[BAD] += 1
        return count
    msg_id = np.int64(frame[0]) << 8 | frame[1]
    serial = np.int64(frame[head]) << 8 | frame[head + 1]
    if msg_id == _REGISTER_REPLY:
        terminals["answer"][row] = frame[head + 2]
        size = min(length - 1 - head - 3, CODE_MAX)
        for index in range(size):
            fleet.codes[row, index] = frame[head + 3 + index]
        if frame[head + 2] == 0:
            terminals["code"][row] = size
        return _notice(fleet, row, ANSWERED, count)
    if msg_id != _REPLY or length < head + 6:
        fleet.tally[OTHER] += 1
        return count
    if np.int64(frame[head + 2]) << 8 | frame[head + 3] == _AUTHENTICATE:
        terminals["answer"][row] = frame[head + 4]
        return _notice(fleet, row, ANSWERED, count)
    _acknowledged(fleet, row, serial, frame[head + 4], now_ns)
    return count


@bare
def _hear(fleet: Fleet, row: int, count: int) -> int:
    """Read what a terminal was sent; how many rows have a notice now."""
    terminals = fleet.terminals
    size = receive(terminals["fd"][row], fleet.inbox, fleet.room)
    if size == AGAIN:
        return count
    if size <= 0:
        return _closed(fleet, row, count)
    now_ns = monotonic_ns(fleet.room)
    terminals["heard_ns"][row] = now_ns
    held, escape, inside = terminals["held"][row], terminals["escape"][row], terminals["inside"][row]
    for byte in fleet.inbox[:size]:
        if byte == _DELIMITER:
            if 0 < held <= CARRY:
                count = _answered(fleet, row, held, now_ns, count)
            held, escape, inside = np.int32(0), np.uint8(0), np.uint8(1)
        elif byte == _ESCAPE:
            escape = np.uint8(1)
        elif inside:
            fleet.carry[row, min(held, CARRY - 1)] = byte + 0x7C * escape
            held, escape = np.int32(held + 1), np.uint8(0)
    terminals["held"][row], terminals["escape"][row], terminals["inside"][row] = held, escape, inside
    return count


@bare
def _listen(fleet: Fleet, epoll_fd: int, longest_ms: int, count: int) -> int:
    """Wait for news and take it; how many rows have a notice now."""
    terminals = fleet.terminals
    for index in range(wait(epoll_fd, fleet.events, longest_ms, fleet.room)):
        row = fleet.row_of_fd[event_fd(fleet.events, index)]
        flags = event_flags(fleet.events, index)
        if row < 0 or terminals["notice"][row] & CLOSED:
            continue
        if flags & READABLE:
            count = _hear(fleet, row, count)
        elif flags & BROKEN:
            count = _closed(fleet, row, count)
        elif flags & WRITABLE:
            count = _notice(fleet, row, CONNECTED, count)
    return count


@bare
def _due_at(fleet: Fleet, sending: int, cursor: int, start_ns: int, now_ns: int) -> int:
    """When the turn of that number comes: a fix waits from then on."""
    per_s = fleet.shape.per_s
    return start_ns + int(cursor / per_s * 1e9) if sending == ALL and per_s > 0 else now_ns


@bare
def _sweep(fleet: Fleet, sending: int, cursor: int, when: When, count: int) -> tuple[int, int, bool]:
    """Give the terminals whose turn has come their turn; (cursor, rows with a notice, whether there is more to do at once)."""
    rows, fresh = len(fleet.terminals), fleet.shape.burst if sending == ALL else 0
    paced = sending == ALL and fleet.shape.per_s > 0
    now_ns = monotonic_ns(fleet.room)
    sent = 0
    for _ in range(_BUNCH if sending else 0):
        due_ns = _due_at(fleet, sending, cursor, when.start_ns, now_ns)
        if due_ns > now_ns:
            return cursor, count, False
        row = cursor % rows
        cursor += 1
        if fleet.terminals["live"][row]:
            taken = _report(fleet, row, fresh, due_ns, now_ns, when.wall_ns)
            if taken < 0:
                count = _closed(fleet, row, count)
            sent += max(taken, 0)
    return cursor, count, sending > 0 and (paced or sent > 0)


@bare
def turn(fleet: Fleet, epoll_fd: int, sending: int, cursor: int, when: When) -> tuple[int, int]:
    """Send what is due and take what comes, until it is time or some row has a notice.

    `cursor`: turns given since `when.start_ns`, each to one terminal. Returns (cursor, rows with a notice).
    """
    count = 0
    while True:
        cursor, count, more = _sweep(fleet, sending, cursor, when, count)
        # With nothing to send but what is acknowledged now, let some acknowledgements come together.
        quiet_ns = 0 if more or fleet.shape.per_s > 0 else monotonic_ns(fleet.room) + _QUIET_NS
        count = _listen(fleet, epoll_fd, 0 if more else 1, count)
        while count == 0 and monotonic_ns(fleet.room) < quiet_ns:
            count = _listen(fleet, epoll_fd, 1, count)
        if count > 0 or monotonic_ns(fleet.room) >= when.until_ns:
            return cursor, count
