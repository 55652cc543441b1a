"""What `zaitu decode` prints of any report: time, place, movement. Keys are stable."""

from datetime import datetime
from typing import Any

from zaitu.telemetry.codecs.fix import Fix, time_checked


def place_claims(fix: Fix, *, now: datetime) -> dict[str, Any]:
    """As sent, in degrees, km/h, metres and kilometres; the time is judged at `now` (aware)."""
    return {
        "time_utc": None if fix.time is None else fix.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time_flag": time_checked(fix.time, fix.time_flag, now=now),
        "lat": fix.lat,
        "lon": fix.lon,
        "fixed": fix.fixed,
        "speed_kmh": fix.speed_kmh,
        "course_deg": fix.course_deg,
        "altitude_m": fix.altitude_m,
        "odometer_km": None if fix.odometer_m is None else fix.odometer_m / 1000,
    }
