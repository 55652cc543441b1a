"""Connections by slot: what the gateway remembers of each, in arrays that kernels and vectors work on."""

import time
from typing import Final

import numpy as np
import numpy.typing as npt

from zaitu.telemetry.codecs.columns import Ints
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.kernels import stream

Seconds = npt.NDArray[np.float64]

_NEVER: Final = np.inf
_LOW: Final = (1 << 64) - 1


class Connections:
    """Slots are used again; `generation` tells a connection from the one before it in its slot."""

    def __init__(self, limits: Limits) -> None:
        slots = limits.connections
        self._limits = limits
        self._free = list(range(slots - 1, -1, -1))
        self.open_now: set[int] = set()
        self.wires = stream.wires(slots)
        self.known: Ints = np.zeros((slots, 2), dtype=np.int64)
        """The number that authenticated, as kernels.jt808 compares it; (0, 0): none yet."""
        self.terminal: list[str] = [""] * slots
        self.serial: Ints = np.zeros(slots, dtype=np.int64)
        """Our next downlink number."""
        self.generation: Ints = np.zeros(slots, dtype=np.int64)
        # Monotonic seconds; infinity: not running.
        self.opened_s: Seconds = np.full(slots, _NEVER)
        """While it has not authenticated."""
        self.frame_s: Seconds = np.full(slots, _NEVER)
        """Last good frame."""
        self.half_s: Seconds = np.full(slots, _NEVER)
        """A frame was begun."""
        self.unsent_s: Seconds = np.full(slots, _NEVER)
        """Answers wait to be read."""

    def open(self) -> int:
        """A slot for a new connection; −1: as many as allowed are open."""
        if not self._free:
            return -1
        slot = self._free.pop()
        stream.wire_reset(self.wires, slot)
        self.open_now.add(slot)
        self.generation[slot] += 1
        self.serial[slot] = 0
        now_s = time.monotonic()
        self.opened_s[slot] = self.frame_s[slot] = now_s
        return slot

    def close(self, slot: int) -> None:
        self.open_now.remove(slot)
        self._free.append(slot)
        self.known[slot] = 0
        self.terminal[slot] = ""
        self.generation[slot] += 1
        for clock in (self.opened_s, self.frame_s, self.half_s, self.unsent_s):
            clock[slot] = _NEVER

    def authenticated(self, slot: int, terminal: str, *, columnar: bool = True) -> None:
        """From now on kernels read this number's positions here; not `columnar`: its session does, as its maker means them."""
        self.terminal[slot] = terminal
        self.opened_s[slot] = _NEVER
        if not columnar:
            return
        number = int(terminal, 16)
        self.known[slot] = np.array([number & _LOW, number >> 64], dtype=np.uint64).astype(np.int64)

    def heard(self, pieces: Ints, frames: Ints, now_s: float) -> None:
        """Bytes came in these pieces, and these good frames were in them."""
        slots = pieces[:, 0]
        self.frame_s[frames[:, 0]] = now_s
        self.half_s[frames[:, 0]] = _NEVER
        begun = self.wires.taken[slots] > 0
        self.half_s[slots] = np.where(begun, np.minimum(self.half_s[slots], now_s), _NEVER)

    def misbehaving(self, now_s: float) -> dict[int, str]:
        """Connections to be closed at `now_s` (monotonic), and why."""
        limits = self._limits
        late = {
            "unauthenticated": now_s - self.opened_s > limits.authenticate_s,
            "idle": now_s - self.frame_s > limits.idle_s,
            "half_frame": now_s - self.half_s > limits.half_frame_s,
            "unread": now_s - self.unsent_s > limits.unread_s,
            "bad_frames": self.wires.bad_in_a_row > limits.bad_frames,
            "junk": self.wires.junk > limits.junk_bytes,
        }
        return {
            slot: why
            for why, which in late.items()
            for slot in np.flatnonzero(which).tolist()
            if slot in self.open_now
        }
