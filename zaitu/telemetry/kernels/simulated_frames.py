"""Position frames of simulated terminals, written where they are sent from. Their readable meaning: codecs/jt808/encode.py."""

import math
from typing import Final

import numpy as np

from zaitu.telemetry.kernels.calls import Bytes, Ints
from zaitu.telemetry.kernels.compiled import bare
from zaitu.telemetry.kernels.simulated import Fleet, Micro, Shape

BLOCK_BYTES: Final = 44
"""A position with mileage, recorder speed, signal and satellites."""
_POSITION: Final = 0x0200
_BATCH: Final = 0x0704
_HEARTBEAT: Final = 0x0002


@bare
def _put16(out: Bytes, at: int, value: int) -> int:
    out[at] = (value >> 8) & 0xFF
    out[at + 1] = value & 0xFF
    return at + 2


@bare
def _put32(out: Bytes, at: int, value: int) -> int:
    for byte in range(4):
        out[at + byte] = (value >> (24 - 8 * byte)) & 0xFF
    return at + 4


@bare
def _bcd(out: Bytes, at: int, value: int) -> int:
    out[at] = (value // 10 % 10) << 4 | value % 10
    return at + 1


@bare
def _put_time(out: Bytes, at: int, at_s: int) -> int:
    """BCD yymmddhhmmss of UTC+8. Days → date: Howard Hinnant, "chrono-compatible low-level date algorithms"."""
    local_s = at_s + 8 * 3600
    days, second = local_s // 86_400 + 719_468, local_s % 86_400
    era = days // 146_097
    of_era = days - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    at = _bcd(out, at, year % 100)
    at = _bcd(out, at, month)
    at = _bcd(out, at, of_year - (153 * shifted + 2) // 5 + 1)
    at = _bcd(out, at, second // 3_600)
    at = _bcd(out, at, second // 60 % 60)
    return _bcd(out, at, second % 60)


@bare
def _put_fix(out: Bytes, at: int, road: Micro, spacing_m: float, speed_mps: float, at_s: int) -> int:
    """The place at that second: up and down the road at an even pace."""
    length_m = (len(road) - 1) * spacing_m
    along_m = (speed_mps * at_s) % (2 * length_m)
    back = along_m > length_m
    if back:
        along_m = 2 * length_m - along_m
    leg = min(int(along_m / spacing_m), len(road) - 2)
    share = along_m / spacing_m - leg
    north = float(road[leg + 1, 0] - road[leg, 0])
    east = float(road[leg + 1, 1] - road[leg, 1])
    lat, lon = road[leg, 0] + north * share, road[leg, 1] + east * share
    course = math.degrees(math.atan2(east * math.cos(lat * (math.pi / 180e6)), north))
    if back:
        course += 180.0
    speed = int(speed_mps * 36.0)
    at = _put32(out, at, 0)
    at = _put32(out, at, 0b11)
    at = _put32(out, at, int(lat + 0.5))
    at = _put32(out, at, int(lon + 0.5))
    at = _put16(out, at, 30 + leg)
    at = _put16(out, at, speed)
    at = _put16(out, at, int(course + 360.0) % 360)
    at = _put_time(out, at, at_s)
    at = _put16(out, at, 0x0104)
    at = _put32(out, at, int(speed_mps * (at_s % 20_000_000)) // 100)
    at = _put16(out, at, 0x0302)
    at = _put16(out, at, speed)
    at = _put16(out, at, 0x3001)
    out[at] = 24
    at = _put16(out, at + 1, 0x3101)
    out[at] = 13
    return at + 1


@bare
def _put_frame(out: Bytes, at: int, plain: Bytes, length: int) -> int:
    """Header and body → checksum, escapes and delimiters."""
    out[at] = 0x7E
    at += 1
    check = np.uint8(0)
    for index in range(length):
        check ^= plain[index]
    plain[length] = check
    for index in range(length + 1):
        byte = plain[index]
        if byte == 0x7D or byte == 0x7E:
            out[at] = 0x7D
            out[at + 1] = byte - 0x7C
            at += 2
        else:
            out[at] = byte
            at += 1
    out[at] = 0x7E
    return at + 1


@bare
def _put_head(plain: Bytes, long_form: int, msg_id: int, body: int, phone: Bytes, serial: int) -> int:
    at = _put16(plain, 0, msg_id)
    if long_form:
        at = _put16(plain, at, body | 0x4000)
        plain[at] = 1
        at += 1
    else:
        at = _put16(plain, at, body)
    for index in range(len(phone)):
        plain[at + index] = phone[index]
    return _put16(plain, at + len(phone), serial)


@bare
def block_s(shape: Shape, order: Ints, begin_s: float, block: int) -> int:
    """Fix time of the first fix of a block, given in the order of sending."""
    cycle = len(order)
    place = block // cycle * cycle + int(order[block % cycle])
    return math.floor(begin_s + place * shape.fixes * shape.step_s)


@bare
def put_block(fleet: Fleet, row: int, serial: int, block: int, out: Bytes, at: int) -> int:
    """A frame with the fixes of a block: 0x0200, or 0x0704 for several and for those from memory."""
    shape, plain, phone, road = fleet.shape, fleet.plain, fleet.phones[row], fleet.roads[row]
    if shape.fixes == 0:
        length = _put_head(plain, shape.long_form, _HEARTBEAT, 0, phone, serial)
        return _put_frame(out, at, plain, length)
    from_memory = fleet.late[block % len(fleet.order)]
    speed_mps = fleet.terminals["speed_mps"][row]
    begin_s = block_s(shape, fleet.order, fleet.terminals["begin_s"][row], block)
    if shape.fixes == 1 and not from_memory:
        length = _put_head(plain, shape.long_form, _POSITION, BLOCK_BYTES, phone, serial)
        length = _put_fix(plain, length, road, shape.spacing_m, speed_mps, begin_s)
    else:
        body = 3 + shape.fixes * (2 + BLOCK_BYTES)
        length = _put_head(plain, shape.long_form, _BATCH, body, phone, serial)
        length = _put16(plain, length, shape.fixes)
        plain[length] = from_memory
        length += 1
        for fix in range(shape.fixes):
            at_s = begin_s + math.floor(fix * shape.step_s)
            length = _put16(plain, length, BLOCK_BYTES)
            length = _put_fix(plain, length, road, shape.spacing_m, speed_mps, at_s)
    return _put_frame(out, at, plain, length)


@bare
def frame_write(fleet: Fleet, row: int, serial: int, block: int) -> int:
    """One block's frame into `fleet.out`; its length."""
    return put_block(fleet, row, serial, block, fleet.out, 0)
