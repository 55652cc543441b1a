"""Stable English names of alarm and status bits; they are printed, stored and compared, so never renamed."""

from typing import Final

ALARMS: Final[dict[int, str]] = {
    0: "sos",
    1: "overspeed",
    2: "fatigue",
    3: "danger_warning",
    4: "gnss_fault",
    5: "antenna_open",
    6: "antenna_short",
    7: "main_power_low",
    8: "main_power_lost",
    9: "lcd_fault",
    10: "tts_fault",
    11: "camera_fault",
    12: "ic_card_fault",
    13: "overspeed_warning",
    14: "fatigue_warning",
    18: "day_driving_over",
    19: "stopped_too_long",
    20: "area_in_out",
    21: "route_in_out",
    22: "leg_time",
    23: "off_route",
    24: "vss_fault",
    25: "fuel_abnormal",
    26: "stolen",
    27: "illegal_ignition",
    28: "illegal_move",
    29: "collision",
    30: "rollover_warning",
    31: "illegal_door",
}
ALARMS_2019: Final[dict[int, str]] = {
    **{bit: name for bit, name in ALARMS.items() if bit != 31},
    3: "dangerous_driving",
    15: "illegal_driving",
    16: "tyre_pressure",
    17: "blind_zone",
    29: "collision_rollover",
}

STATUS: Final[dict[int, str]] = {
    0: "acc",
    1: "fixed",
    2: "south",
    3: "west",
    4: "out_of_service",
    5: "coordinates_encrypted",
    10: "fuel_cut",
    11: "circuit_cut",
    12: "doors_locked",
    13: "door_front_open",
    14: "door_middle_open",
    15: "door_rear_open",
    16: "door_driver_open",
    17: "door_custom_open",
    18: "gps",
    19: "beidou",
    20: "glonass",
    21: "galileo",
}
STATUS_2019: Final[dict[int, str]] = {
    **STATUS,
    6: "forward_collision_warning",
    7: "lane_departure_warning",
    22: "moving",
}
LOADS: Final = ("empty", "half", "reserved", "full")


def alarm_names(word: int, *, is_2019: bool) -> list[str]:
    """Names of the bits that are set, lowest first; `reserved_N` where the version gives none."""
    names = ALARMS_2019 if is_2019 else ALARMS
    return [names.get(bit, f"reserved_{bit}") for bit in range(32) if word >> bit & 1]


def status_names(word: int, *, is_2019: bool) -> dict[str, bool | str]:
    """Every bit the version names, and the load."""
    names = STATUS_2019 if is_2019 else STATUS
    status: dict[str, bool | str] = {name: bool(word >> bit & 1) for bit, name in names.items()}
    status["load"] = LOADS[word >> 8 & 3]
    return status
