"""A tick's bytes → positions for the engine, heartbeats to answer, and frames for the sessions."""

import json
from dataclasses import dataclass
from typing import Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE, Bytes, Columns, Ints
from zaitu.telemetry.codecs.jt808.framing import CONTENT_MAX, CONTENT_MIN
from zaitu.telemetry.codecs.jt808.values import time_parse
from zaitu.telemetry.gateway.connections import Connections
from zaitu.telemetry.kernels import answers, jt808, stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Frames of one tick."""

    frames: Ints
    """(frames, 4): slot, start and end in `plain`, piece."""
    claims: jt808.Claims
    plain: Bytes
    generation: Ints
    """Of each frame's connection."""
    columns: Columns
    """Positions, one row each, in the order received."""
    frame_of: Ints
    """Of each row: the index of its frame."""

    def of_kind(self, kind: int) -> Ints:
        return np.flatnonzero(self.claims.kind[: len(self.frames)] == kind)

    def content(self, frame: int) -> bytes:
        """Header and body."""
        return self.plain[self.frames[frame, 1] : self.frames[frame, 2]].tobytes()


def read(received: Bytes, pieces: Ints, connections: Connections, now_us: int) -> Read:
    """Cut and decode. `now_us`: when it was received, microseconds since 1970 UTC."""
    wires = connections.wires
    size = int((pieces[:, 2] - pieces[:, 1]).sum())
    plain = np.empty(size + int(wires.size[pieces[:, 0]].sum()) + CONTENT_MAX, dtype=np.uint8)
    frames = np.empty((size // (CONTENT_MIN + 1) + len(pieces), 4), dtype=np.int64)
    count, used = stream.frames_cut(received, pieces, wires, plain, frames)
    claims = jt808.claims_for(count)
    spans = np.empty((jt808.rows_max(used), 4), dtype=np.int64)
    rows = jt808.frames_decode(plain, frames, count, connections.known, claims, spans)
    places = jt808.places_for(rows)
    jt808.places_decode(plain, spans, rows, now_us, places)
    frames = frames[:count]
    names = tuple(connections.terminal[slot] for slot in pieces[:, 0].tolist())
    return Read(
        frames=frames,
        claims=claims,
        plain=plain,
        generation=connections.generation[frames[:, 0]],
        columns=_columns(plain, places, names, frames[places.frame, 3]),
        frame_of=places.frame,
    )


def answers_of(read: Read, chosen: Ints, results: Ints, connections: Connections) -> tuple[Bytes, Ints, int]:
    """0x8001 for these frames, as a front sends them; connections that are gone get none."""
    there = connections.generation[read.frames[chosen, 0]] == read.generation[chosen]
    chosen, results = chosen[there], results[there]
    out = np.empty(len(chosen) * answers.ANSWER_MAX, dtype=np.uint8)
    runs = np.empty((len(chosen), 3), dtype=np.int64)
    count = answers.answers_pack(read.frames, chosen, results, read.claims, connections.serial, out, runs)
    return out, runs, count


def _columns(plain: Bytes, places: jt808.Places, names: tuple[str, ...], piece: Ints) -> Columns:
    rows = len(piece)
    extra = np.zeros((rows, 2), dtype=np.int64)
    lost = np.flatnonzero(places.clock)
    if len(lost):
        # Few rows: what their clocks claimed is written behind what was received.
        words = [_clock_words(plain, places, row) for row in lost.tolist()]
        start = len(plain)
        for row, word in zip(lost.tolist(), words, strict=True):
            extra[row] = start, len(word)
            start += len(word)
        plain = np.concatenate([plain, np.frombuffer(b"".join(words), dtype=np.uint8)])
    return Columns(
        terminals=names,
        terminal=piece,
        shock_g=np.full(rows, np.nan),
        # What only makers' profiles read: such terminals are their sessions' business.
        battery_pct=np.full(rows, np.nan),
        lock_events=np.zeros(rows, dtype=np.int64),
        lock_closed=np.full(rows, NONE),
        arena=plain,
        extra=extra,
        **{name: getattr(places, name) for name in _SAME},
    )


def _clock_words(plain: Bytes, places: jt808.Places, row: int) -> bytes:
    start = int(places.core[row, 0])
    time, _flag = time_parse(plain[start + 22 : start + 28].tobytes())
    why = jt808.CLOCK_WORDS[int(places.clock[row])]
    return json.dumps({"clock": {"why": why, "claimed": None if time is None else time.isoformat()}}).encode()


_SAME: Final = (
    "at_us", "flags", "lat", "lon", "speed_kmh", "course_deg", "altitude_m", "odometer_m", "alarm", "status", "digest",
    "temps_c", "probes", "humidity_pct", "items", "core",
)  # fmt: skip
