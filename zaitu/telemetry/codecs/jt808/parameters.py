"""Terminal parameters: 0x0104, 0x8103, 0x8104 and 0x8106."""

from dataclasses import dataclass
from typing import Any, Final

from zaitu.telemetry.codecs.jt808.layout import EMPTY, Hexed, Many, Number, Reader, Values, layout
from zaitu.telemetry.codecs.jt808.values import text

_TEXT: Final = 0
_NAMES: Final[dict[int, tuple[str, int]]] = {
    0x0001: ("heartbeat_s", 4),
    0x0002: ("tcp_answer_s", 4),
    0x0003: ("tcp_retries", 4),
    0x0004: ("udp_answer_s", 4),
    0x0005: ("udp_retries", 4),
    0x0006: ("sms_answer_s", 4),
    0x0007: ("sms_retries", 4),
    0x0010: ("apn", _TEXT),
    0x0011: ("apn_user", _TEXT),
    0x0012: ("apn_password", _TEXT),
    0x0013: ("server", _TEXT),
    0x0014: ("backup_apn", _TEXT),
    0x0015: ("backup_apn_user", _TEXT),
    0x0016: ("backup_apn_password", _TEXT),
    0x0017: ("backup_server", _TEXT),
    0x0018: ("tcp_port", 4),
    0x0019: ("udp_port", 4),
    0x001A: ("card_server", _TEXT),
    0x001B: ("card_tcp_port", 4),
    0x001C: ("card_udp_port", 4),
    0x001D: ("card_backup_server", _TEXT),
    0x0020: ("report_mode", 4),
    0x0021: ("report_plan", 4),
    0x0022: ("no_driver_interval_s", 4),
    0x0023: ("slave_apn", _TEXT),
    0x0024: ("slave_apn_user", _TEXT),
    0x0025: ("slave_apn_password", _TEXT),
    0x0026: ("slave_server", _TEXT),
    0x0027: ("sleep_interval_s", 4),
    0x0028: ("sos_interval_s", 4),
    0x0029: ("default_interval_s", 4),
    0x002C: ("default_distance_m", 4),
    0x002D: ("no_driver_distance_m", 4),
    0x002E: ("sleep_distance_m", 4),
    0x002F: ("sos_distance_m", 4),
    0x0030: ("corner_deg", 4),
    0x0031: ("illegal_move_m", 2),
    0x0040: ("platform_phone", _TEXT),
    0x0041: ("reset_phone", _TEXT),
    0x0042: ("factory_reset_phone", _TEXT),
    0x0043: ("platform_sms_phone", _TEXT),
    0x0044: ("alarm_sms_phone", _TEXT),
    0x0045: ("call_answer_mode", 4),
    0x0046: ("call_max_s", 4),
    0x0047: ("call_month_max_s", 4),
    0x0048: ("listen_phone", _TEXT),
    0x0049: ("privileged_sms_phone", _TEXT),
    0x0050: ("alarm_mask", 4),
    0x0051: ("alarm_sms_mask", 4),
    0x0052: ("alarm_photo_mask", 4),
    0x0053: ("alarm_photo_keep_mask", 4),
    0x0054: ("key_alarm_mask", 4),
    0x0055: ("max_kmh", 4),
    0x0056: ("overspeed_s", 4),
    0x0057: ("max_driving_s", 4),
    0x0058: ("max_day_driving_s", 4),
    0x0059: ("min_rest_s", 4),
    0x005A: ("max_parking_s", 4),
    0x005B: ("overspeed_warning_tenth_kmh", 2),
    0x005C: ("fatigue_warning_s", 2),
    0x005D: ("collision", 2),
    0x005E: ("rollover_deg", 2),
    0x0064: ("timed_photo", 4),
    0x0065: ("distance_photo", 4),
    0x0070: ("image_quality", 4),
    0x0071: ("brightness", 4),
    0x0072: ("contrast", 4),
    0x0073: ("saturation", 4),
    0x0074: ("chroma", 4),
    0x0080: ("odometer_tenth_km", 4),
    0x0081: ("province", 2),
    0x0082: ("city", 2),
    0x0083: ("plate", _TEXT),
    0x0084: ("plate_color", 1),
    0x0090: ("gnss_mode", 1),
    0x0091: ("gnss_baud", 1),
    0x0092: ("gnss_output", 1),
    0x0093: ("gnss_interval_s", 4),
    0x0094: ("gnss_upload_mode", 1),
    0x0095: ("gnss_upload", 4),
    0x0100: ("can1_collect_ms", 4),
    0x0101: ("can1_upload_s", 2),
    0x0102: ("can2_collect_ms", 4),
    0x0103: ("can2_upload_s", 2),
}
"""Name, and bytes of the number or _TEXT. Others are the maker's own and stay in hexadecimal."""
NUMBERS: Final = {name: number for number, (name, _) in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class _Parameter:
    """DWORD id, BYTE length, value. `value` is a number, a text, or hexadecimal where the id or its length is not the standard's."""

    def read(self, body: Reader, into: Values) -> None:
        number = body.number(4, "a parameter's id")
        content = body.take(body.number(1, "a parameter's length"), f"parameter {number:#06x}")
        name, size = _NAMES.get(number, (None, -1))
        into.update(id=f"0x{number:04x}", name=name, value=_value(content, size))

    def write(self, values: Values, version: str) -> bytes:
        number = int(values["id"], 16)
        content = _content(values["value"], _NAMES.get(number, ("", -1))[1])
        head = Number("a parameter's id", 4).write({"a parameter's id": number}, version)
        return head + Number("length", 1).write({"length": len(content)}, version) + content


def _value(content: bytes, size: int) -> str | int:
    if size == _TEXT:
        return text(content)
    return int.from_bytes(content, "big") if len(content) == size else content.hex()


def _content(value: Any, size: int) -> bytes:
    if size > 0 and isinstance(value, int):
        return Number("value", size).write({"value": value}, "")
    return str(value).encode("gbk") if size == _TEXT else bytes.fromhex(value)


_PARAMETERS: Final = Many("parameters", 1, _Parameter())

LAYOUTS: Final = {
    0x0104: layout(Number("reply_serial", 2), _PARAMETERS),
    0x8103: layout(_PARAMETERS),
    0x8104: EMPTY,
    0x8106: layout(Many("ids", 1, Hexed("id", 4), bare="id")),
}
