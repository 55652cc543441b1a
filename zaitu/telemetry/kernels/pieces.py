"""A watch → the records the walk reads."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import Floats, microseconds
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.domain.limits import Limits
from zaitu.telemetry.domain.watch import WatchStop
from zaitu.telemetry.kernels.layout import BAND, NEVER_US, OPENING, STAND, STOP, Records, blank
from zaitu.telemetry.rules import alarms
from zaitu.telemetry.rules.fences import MARGIN_MIN_M, MARGIN_SHARE

ANY_STOP: Final = -1
A_PLACE: Final = -2
_M_PER_DEGREE: Final = 111_195.08


def stops_of(stops: Sequence[WatchStop]) -> tuple[Records, Floats]:
    """(STOP records, the corners of all in metres east and north of their stop)."""
    rows = []
    corners: list[Floats] = [np.zeros((0, 2))]
    used = 0
    for stop in stops:
        m_per_degree_lon = _M_PER_DEGREE * math.cos(math.radians(stop.lat))
        margin_m = max(MARGIN_MIN_M, MARGIN_SHARE * stop.radius_m)
        low_m, high_m = [-stop.radius_m] * 2, [stop.radius_m] * 2
        count = 0
        if stop.fence is not None:
            fence = (np.array(stop.fence) - (stop.lat, stop.lon)) * (_M_PER_DEGREE, m_per_degree_lon)
            margin_m, count = MARGIN_MIN_M, len(fence)
            low_m, high_m = fence.min(axis=0).tolist(), fence.max(axis=0).tolist()
            corners.append(fence[:, ::-1])
        place = (stop.lat, stop.lon, m_per_degree_lon, low_m[0], high_m[0], low_m[1], high_m[1])
        rows.append((*place, margin_m, stop.radius_m, stop.along_m, stop.seq, used, count, 0))
        used += count
    records = np.array(rows, dtype=STOP)
    north = (records["lat"] - records["lat"][:, None]) * _M_PER_DEGREE
    east = (records["lon"] - records["lon"][:, None]) * records["m_per_degree_lon"][:, None]
    widest = np.maximum(records["radius_m"], records["radius_m"][:, None])
    records["alone"] = (np.hypot(east, north) < widest).sum(axis=1) == 1
    return records, np.concatenate(corners)


def bands_of(bands: Sequence[asked.Band]) -> Records:
    rows = blank(BAND, len(bands))
    for row, band in zip(rows, bands, strict=True):
        row["first"], row["last"] = (
            (0, asked.PROBES_MAX - 1) if band.probe is None else (band.probe, band.probe)
        )
        row["humidity"] = int(band.what == "humidity_pct")
        row["low"] = -np.inf if band.low is None else band.low
        row["high"] = np.inf if band.high is None else band.high
        row["band_after_us"], row["band_back_us"] = _us(band.after_s), _us(band.back_s)
    return rows


def stands_of(stands: Sequence[asked.Stand], seqs: Sequence[int]) -> Records:
    rows = blank(STAND, len(stands))
    for row, stand in zip(rows, stands, strict=True):
        row["from_us"], row["to_us"] = microseconds(stand.from_at), microseconds(stand.to_at)
        row["stop"] = -1 if stand.seq is None else seqs.index(stand.seq)
    return rows


def openings_of(openings: Sequence[asked.Opening], seqs: Sequence[int]) -> Records:
    rows = blank(OPENING, len(openings))
    for row, opening in zip(rows, openings, strict=True):
        row["from_us"] = _instant(opening.from_at, -NEVER_US)
        row["to_us"] = _instant(opening.to_at, NEVER_US)
        if opening.seq is not None:
            row["stop"] = seqs.index(opening.seq)
        else:
            row["stop"] = ANY_STOP if opening.lat is None else A_PLACE
        row["lat"] = np.nan if opening.lat is None else opening.lat
        row["lon"] = np.nan if opening.lon is None else opening.lon
        row["radius_m"] = opening.radius_m
    return rows


def limits_into(record: Any, limits: Limits) -> None:
    """Fill the thresholds of a WATCH record."""
    off, stop, speed = limits.off_route, limits.long_stop, limits.speed
    record["beyond_m"], record["back_m"] = (off.beyond_m, off.back_m) if off else (np.inf, np.inf)
    record["off_after_us"], record["off_back_us"] = (_us(off.after_s), _us(off.back_s)) if off else (0, 0)
    record["stop_after_us"] = _us(stop.after_s) if stop else NEVER_US
    record["still_m"] = limits.still_m
    record["locks"] = int(limits.lock is not None)
    record["left_open_us"] = _us(limits.lock.left_open_s) if limits.lock else NEVER_US
    record["over_g"] = limits.shock.over_g if limits.shock else np.inf
    record["over_kmh"] = speed.over_kmh if speed else np.inf
    record["speed_after_us"] = _us(speed.after_s) if speed else NEVER_US
    record["signal_after_us"] = _us(limits.signal.after_s) if limits.signal else NEVER_US
    record["power"] = int(limits.power is not None)
    record["low_pct"] = limits.power.low_pct if limits.power else np.nan
    record["power_after_us"] = _us(limits.power.after_s) if limits.power else NEVER_US
    record["clock_reports"] = limits.clock.reports if limits.clock else NEVER_US
    record["alarms"] = alarms.TOLD if limits.device_alarms else 0


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _instant(at: datetime | None, otherwise_us: int) -> int:
    return otherwise_us if at is None else microseconds(at)
