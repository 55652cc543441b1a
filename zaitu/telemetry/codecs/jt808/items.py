"""Additional items of a position: id, length, value. A bad one costs only itself; every one is also kept as sent."""

from collections.abc import Callable
from typing import Any, Final

from zaitu.telemetry.codecs.jt808.profiles import STANDARD, Form, Profile, Sign

Values = dict[str, Any]
Decoder = Callable[[bytes], Values]

_AREA_KINDS: Final = ("none", "circle", "rectangle", "polygon", "leg")
_TEMPERATURES: Final = 0x51
_TEMP_MIN_C: Final = -60.0
_TEMP_MAX_C: Final = 120.0
_LOCK_IDS: Final = frozenset({0x0B, 0x60, 0x63, 0x67, 0xD5, 0xE8})
EVENTS: Final = frozenset({0x0B, 0x11, 0x12, 0x13, 0x60, 0x63, 0x64, 0x65, 0x66, 0x67, 0xD5, 0xDA, 0xE8})
"""Items that tell what has happened (locks, areas, active safety), whatever else about the position stays the same."""
_ACTIVE_SAFETY_MIN: Final = 32
"""Vendor locks use 67 for a password of a few bytes, active safety for a record of 41 and more."""


def items_split(area: bytes, profile: Profile = STANDARD) -> tuple[tuple[tuple[int, bytes], ...], bytes]:
    """(id, value) pairs by their declared lengths, and the rest from the first one that passes the end."""
    items = []
    at = 0
    while at < len(area):
        id_bytes, length_bytes = _form(area, at, profile) if profile.forms else _sizes(profile.form)
        start = at + id_bytes + length_bytes
        end = start + _number(area[at + id_bytes : start])
        if start > len(area) or end > len(area):
            break
        items.append((_number(area[at : at + id_bytes]), area[start:end]))
        at = end
    return tuple(items), area[at:]


def marks_of(area: bytes) -> tuple[bytes, ...]:
    """The items of EVENTS as sent, id and length included; by the standard's form, whatever the profile: kernels know no other."""
    items, _rest = items_split(area)
    return tuple(bytes([item_id, len(value)]) + value for item_id, value in items if item_id in EVENTS)


def _sizes(form: Form) -> tuple[int, int]:
    return form.id_bytes, form.length_bytes


def _form(area: bytes, at: int, profile: Profile) -> tuple[int, int]:
    fits = [start for start in profile.forms if area.startswith(start, at)]
    return _sizes(profile.forms[max(fits, key=len)] if fits else profile.form)


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _sized(sizes: set[int], decoder: Decoder) -> Decoder:
    """The decoder, for values of these lengths only; others are left raw."""
    return lambda value: decoder(value) if len(value) in sizes else {}


def _kind(code: int) -> str | int:
    return _AREA_KINDS[code] if code < len(_AREA_KINDS) else code


def _fuel(value: bytes) -> Values:
    word = _number(value)
    return {"fuel_pct": word & 0x7FFF} if word & 0x8000 else {"fuel_l": word / 10}


def temperature_c(word: int, scale: float, sign: Sign = Sign.AUTO) -> float | None:
    """A word below zero is read as `sign` says; outside −60..+120 it is None."""
    magnitude, complement = -(word & 0x7FFF) / scale, (word - 0x10000) / scale
    readings = {
        Sign.AUTO: (magnitude, complement),
        Sign.MAGNITUDE: (magnitude,),
        Sign.COMPLEMENT: (complement,),
    }
    told = readings[sign] if word & 0x8000 else (word / scale,)
    return next((value for value in told if _TEMP_MIN_C <= value <= _TEMP_MAX_C), None)


def _words(value: bytes) -> list[int]:
    return [_number(value[at : at + 2]) for at in range(0, len(value) - 1, 2)]


def _probes(value: bytes, sign: Sign) -> Values:
    return {"temps_c": [None if word == 0xFFFF else temperature_c(word, 10, sign) for word in _words(value)]}


def _cargo(value: bytes) -> Values:
    """By the standard the sign is bit 15, whatever the terminal does elsewhere, so ffff is no temperature."""
    return {"temps_c": [temperature_c(_number(value), 1, Sign.MAGNITUDE)]}


def _humidity(value: bytes) -> Values:
    return {
        "humidity_pct": [
            None if word in {0x0FFF, 0xFFFF} or word > 1000 else word / 10 for word in _words(value)
        ]
    }


def _tyres(value: bytes) -> Values:
    return {"tyre_pressure": [None if byte == 0xFF else byte for byte in value]}


def _overspeed(value: bytes) -> Values:
    if len(value) == 1:
        return {"overspeed": {"kind": _kind(value[0])}}
    return {"overspeed": {"kind": _kind(value[0]), "id": _number(value[1:5])}}


def _area(value: bytes) -> Values:
    return {
        "area": {"kind": _kind(value[0]), "id": _number(value[1:5]), "direction": "out" if value[5] else "in"}
    }


def _leg(value: bytes) -> Values:
    return {
        "leg": {
            "id": _number(value[:4]),
            "seconds": _number(value[4:6]),
            "result": "too_long" if value[6] else "too_short",
        }
    }


def _analog(value: bytes) -> Values:
    word = _number(value)
    return {"analog": [word & 0xFFFF, word >> 16]}


def _plain(name: str, *, sizes: set[int]) -> Decoder:
    return _sized(sizes, lambda value: {name: _number(value)})


DECODERS: Final[dict[int, Decoder]] = {
    0x01: _sized({4}, lambda value: {"odometer_m": _number(value) * 100}),
    0x02: _sized({2}, _fuel),
    0x03: _sized({2}, lambda value: {"recorder_kmh": _number(value) / 10}),
    0x04: _plain("confirm_alarm_id", sizes={2}),
    0x05: _tyres,
    0x06: _sized({2}, _cargo),
    0x11: _sized({1, 5}, _overspeed),
    0x12: _sized({6}, _area),
    0x13: _sized({7}, _leg),
    0x14: _plain("video_alarm", sizes={4}),
    0x15: _plain("video_lost", sizes={4}),
    0x16: _plain("video_covered", sizes={4}),
    # The standard gives 17 and 18 two bytes; terminals send one to four.
    0x17: _plain("storage_fault", sizes={1, 2}),
    0x18: _plain("driver_behaviour", sizes={1, 2, 3, 4}),
    0x25: _plain("signals", sizes={4}),
    0x2A: _sized(
        {2}, lambda value: {"deep_sleep": bool(_number(value) & 1), "sleep": bool(_number(value) & 2)}
    ),
    0x2B: _sized({4}, _analog),
    0x30: _plain("signal", sizes={1}),
    0x31: _plain("satellites", sizes={1}),
    0x58: _humidity,
    0x61: _sized({2}, lambda value: {"power_v": _number(value) / 100}),
}


def _is_lock(item_id: int, value: bytes) -> bool:
    return item_id in _LOCK_IDS and not (item_id == 0x67 and len(value) >= _ACTIVE_SAFETY_MIN)


MEANINGS: Final[dict[str, Decoder]] = {
    "battery_pct": _sized({1}, lambda value: {"battery_pct": value[0]} if value[0] <= 100 else {}),
    "battery_hundredth_pct": _sized({2}, lambda value: {"battery_pct": _number(value) / 100}),
    "battery_v": _sized({2}, lambda value: {"battery_v": _number(value) / 100}),
    "odometer_km": _sized({4}, lambda value: {"odometer_m": _number(value) * 1000}),
}
"""What a profile may say that an item means."""


def items_decode(items: tuple[tuple[int, bytes], ...], profile: Profile = STANDARD) -> Values:
    """Values by name. Temperatures are gathered in the order sent; of other items sent twice the last counts.

    Items of locks are kept as sent, by id, under `lock`; what they mean is for locks.lock_says.
    """
    values: Values = {}
    for item_id, value in items:
        if _is_lock(item_id, value):
            values.setdefault("lock", {})[f"0x{item_id:02x}"] = value.hex()
        found = _item(item_id, value, profile)
        if "temps_c" in found and "temps_c" in values:
            found = {"temps_c": values["temps_c"] + found["temps_c"]}
        values.update(found)
    return values


def _item(item_id: int, value: bytes, profile: Profile) -> Values:
    if item_id in profile.items:
        meaning = profile.items[item_id]
        return MEANINGS[meaning](value) if meaning else {}
    if item_id == _TEMPERATURES:
        return _probes(value, profile.temperature_sign)
    return DECODERS[item_id](value) if item_id in DECODERS and not _is_lock(item_id, value) else {}
