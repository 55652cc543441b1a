"""Test vehicles that `zaitu simulate` drives: their numbers, plates, roads and speeds, all a function of their index (from 1).

A terminal's number has 12 digits and begins with 99, which no SIM's does; a plate begins with 测, which no province does.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Micro = npt.NDArray[np.int32]
"""Millionths of a degree, as devices send them: 8 bytes a vertex."""

MARK: Final = "测"
VERTICES: Final = 500
SPACING_M: Final = 800.0
"""Between two vertices of a road, which is so about 400 km long."""
STOPS: Final = (0, 100, 200, 300, 400, 499)
"""Vertices at which a watched vehicle has a stop."""
STOP_RADIUS_M: Final = 300.0
SPEED_MPS: Final = (15.0, 24.0)
"""54 to 86 km/h."""
INDEX_MAX: Final = 2_399_999
_NUMBER_FROM: Final = 990_000_000_000
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_START_DEG: Final = ((26.0, 38.0), (105.0, 116.0))
_TURN: Final = np.radians(9.0)
"""At each vertex at most, to either side."""
_M_PER_DEGREE: Final = 111_195.08
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def number(index: int) -> str:
    """12 digits. Raises ValueError for an index outside 1..INDEX_MAX."""
    return str(_NUMBER_FROM + _checked(index))


def plate(index: int) -> str:
    """测A00001 … 测Z99999. Raises ValueError for an index outside 1..INDEX_MAX."""
    letter, rest = divmod(_checked(index), 100_000)
    return f"{MARK}{_LETTERS[letter]}{rest:05d}"


def trip(index: int) -> str:
    """The reference of its watch."""
    return f"simulated-{index}"


def _checked(index: int) -> int:
    if not 1 <= index <= INDEX_MAX:
        raise ValueError(f"test vehicles are numbered 1..{INDEX_MAX}, not {index}")
    return index


def roads(first: int, count: int) -> Micro:
    """(count, VERTICES, 2): latitude and longitude of each vertex of each vehicle's own road."""
    indices = np.arange(first, first + count, dtype=np.uint64)
    turns = (_dice(indices, VERTICES, salt=1) * 2 - 1) * _TURN
    turns[:, 0] = _dice(indices, 1, salt=2)[:, 0] * 2 * np.pi
    heading = np.cumsum(turns, axis=1)
    steps = SPACING_M / _M_PER_DEGREE
    start = _dice(indices, 2, salt=3)
    (south, north), (west, east) = _START_DEG
    lat = _walked(south + start[:, 0] * (north - south), steps * np.cos(heading))
    lon = _walked(west + start[:, 1] * (east - west), steps * np.sin(heading) / np.cos(np.radians(lat)))
    return np.stack([np.rint(lat * 1e6), np.rint(lon * 1e6)], axis=2).astype(np.int32)


def speeds_mps(first: int, count: int) -> Floats:
    """How fast each drives, always."""
    slow, fast = SPEED_MPS
    dice = _dice(np.arange(first, first + count, dtype=np.uint64), 1, salt=4)
    return slow + dice[:, 0] * (fast - slow)


def _walked(start: Floats, steps: Floats) -> Floats:
    places: Floats = np.cumsum(steps, axis=1)
    places += start[:, None] - places[:, :1]
    return places


def _dice(indices: npt.NDArray[np.uint64], columns: int, *, salt: int) -> Floats:
    """(indices, columns) numbers in 0..1: splitmix64 of index, column and salt."""
    column = np.arange(columns, dtype=np.uint64) + np.uint64(salt << 32)
    mixed = indices[:, None] * np.uint64(0xD1B54A32D192ED03) + column[None, :] * _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    shares: Floats = (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    return shares
