"""A lock's side, for simulators and tests."""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from zaitu.telemetry.codecs.elock.place import where_write


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPlace:
    """A report of a lock."""

    time: datetime
    """Aware, of this century."""
    lat: float
    lon: float
    speed_kmh: float = 0.0
    course_deg: int = 0
    fixed: bool = True
    odometer_km: int = 0
    satellites: int = 9
    status: int = 0x20C0
    """words.STATUS; the default is closed, string in, cover closed."""
    battery_pct: int = 100


def position_frame(
    device: str, place: LockPlace, *, index: int, protocol: int = 0x19, data_type: int = 1
) -> bytes:
    """A `$` frame of a JT701D (19) or JT701 (17). `device` has up to ten digits, `index` is 0..255. Raises ValueError."""
    record = (
        where_write(
            place.time,
            place.lat,
            place.lon,
            speed_kmh=place.speed_kmh,
            course_deg=place.course_deg,
            fixed=place.fixed,
        )
        + struct.pack(">IBIHB", place.odometer_km, place.satellites, 0, place.status, place.battery_pct)
        + struct.pack(">HHBBBBB", 0, 0, 31, 0, 1, 0, 0)
        + b"\xff" * 8
        + struct.pack(">HHB", 0, 460, 0)
        + bytes([index])
    )
    head = bytes.fromhex(device.zfill(10)) + bytes([protocol, 0x10 | data_type])
    return b"$" + head + struct.pack(">H", len(record)) + record


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEventPlace:
    """What a P45 sentence tells."""

    place: LockPlace
    source: int
    """text.SOURCES."""
    check: int = 1
    """0 refused, 1..10 in that fence, 98 no fence, 99 outside the fence."""
    card: str = "0000000000"
    password_right: bool = False
    wrong_passwords: int = 0


def event_sentence(device: str, event: LockEventPlace, *, index: int) -> bytes:
    """P45: who locked or unlocked."""
    place = event.place
    at = place.time.astimezone(UTC)
    words = (
        device,
        "P45",
        at.strftime("%d%m%y"),
        at.strftime("%H%M%S"),
        f"{abs(place.lat):.6f}",
        "S" if place.lat < 0 else "N",
        f"{abs(place.lon):.6f}",
        "W" if place.lon < 0 else "E",
        "A" if place.fixed else "V",
        str(round(place.speed_kmh)),
        str(place.course_deg % 360),
        str(event.source),
        str(event.check),
        event.card,
        str(int(event.password_right)),
        str(event.wrong_passwords),
        str(index),
        str(place.odometer_km),
    )
    return f"({','.join(words)})".encode("ascii")
