"""What the messages say, as the standard's tables have it: by id, a layout that reads and writes the body.

Registration, authentication, positions and media are read by code of their own (messages.py): their form follows from more
than the version.
"""

from dataclasses import dataclass
from typing import Final

from zaitu.telemetry.codecs.jt808 import areas, parameters
from zaitu.telemetry.codecs.jt808.layout import (
    EMPTY,
    Bits,
    ByVersion,
    Digits,
    Hexed,
    IfSent,
    Layout,
    Moment,
    Named,
    Number,
    Raw,
    Reader,
    Text,
    Values,
    When,
    group,
    layout,
    numbers,
)
from zaitu.telemetry.codecs.jt808.names import ALARMS
from zaitu.telemetry.codecs.jt808.values import text

MEDIA_KINDS: Final = {0: "image", 1: "audio", 2: "video"}
MEDIA_FORMATS: Final = {0: "jpeg", 1: "tif", 2: "mp3", 3: "wav", 4: "wmv"}
MEDIA_EVENTS: Final = {
    0: "asked",
    1: "timed",
    2: "robbery",
    3: "collision",
    4: "door_opened",
    5: "door_closed",
}
_PHOTO_RESULTS: Final = {0: "taken", 1: "failed", 2: "no_such_channel"}
_RESOLUTIONS: Final = {
    1: "320x240",
    2: "640x480",
    3: "800x600",
    4: "1024x768",
    5: "176x144",
    6: "352x288",
    7: "704x288",
    8: "704x576",
}
_CARD: Final = {1: "in", 2: "out"}
_CARD_RESULTS: Final = {0: "read", 1: "wrong_key", 2: "locked", 3: "pulled_out", 4: "bad_data"}
_CONTROL: Final = {
    1: "upgrade",
    2: "connect",
    3: "power_off",
    4: "reset",
    5: "factory_reset",
    6: "data_off",
    7: "radio_off",
}
_TEXT_FLAGS: Final = ByVersion(
    Bits("flags", 1, {0: "urgent", 2: "display", 3: "speak", 4: "advertisement", 5: "fault_code"}),
    # Since 2019 the lowest two bits are one number.
    Bits(
        "flags",
        1,
        {2: "display", 3: "speak", 5: "fault_code"},
        pair={1: "service", 2: "urgent", 3: "notice"},
    ),
)
_TEXT_KINDS: Final = {1: "notice", 2: "service"}
_TERMINAL_BITS: Final = {
    0: "passenger",
    1: "dangerous_goods",
    2: "freight",
    3: "taxi",
    6: "hard_disk",
    7: "split",
    8: "trailer",
}
_GNSS_BITS: Final = {0: "gps", 1: "beidou", 2: "glonass", 3: "galileo"}
_RADIO_BITS: Final = {0: "gprs", 1: "cdma", 2: "td_scdma", 3: "wcdma", 4: "cdma2000", 5: "td_lte", 7: "other"}
_CONFIRMED: Final = {bit: ALARMS[bit] for bit in (0, 3, 20, 21, 22, 27, 28)}
"""Alarms that a person on the platform confirms."""


@dataclass(frozen=True, slots=True)
class _Waybill:
    """DWORD length and content. Terminals reuse it for lines of text with a length that is wrong: then it is all that is there."""

    def read(self, body: Reader, into: Values) -> None:
        declared = body.number(4, "the length")
        content = body.rest()
        into["text"] = text(content[:declared])

    def write(self, values: Values, version: str) -> bytes:
        content = str(values["text"]).encode("gbk")
        return len(content).to_bytes(4, "big") + content


_REPLY: Final = layout(Number("reply_serial", 2), Hexed("reply_id", 2), Number("result", 1))
_RESEND: Final = layout(
    Number("first_serial", 2),
    ByVersion(numbers("numbers", count=1, size=2), numbers("numbers", count=2, size=2)),
)
_TRANSPARENT: Final = layout(Number("type", 1), Raw("data"))
MEDIA: Final = group(
    Number("media_id", 4),
    Named("media_kind", 1, MEDIA_KINDS),
    Named("media_format", 1, MEDIA_FORMATS),
    Named("event", 1, MEDIA_EVENTS),
    Number("channel", 1),
)
_DRIVER_2013: Final = group(
    Named("result", 1, _CARD_RESULTS),
    Text("name", prefix=1),
    Text("certificate", size=20),
    Text("authority", prefix=1),
    Digits("valid_until", 4),
    ByVersion(None, IfSent("id_number", Text("id_number", size=20))),
)
DRIVER: Final = layout(Named("card", 1, _CARD), Moment("time_utc"), IfSent("result", _DRIVER_2013))
"""A card taken out is often told without the rest."""
DRIVER_2011: Final = layout(
    Text("name", prefix=1),
    Text("id_number", size=20),
    Text("certificate", size=40),
    Text("authority", prefix=1),
)

LAYOUTS: Final[dict[int, Layout]] = {
    0x0001: _REPLY,
    0x0002: EMPTY,
    0x0003: EMPTY,
    0x0004: EMPTY,
    0x0005: _RESEND,
    0x0107: layout(
        Bits("terminal_type", 2, _TERMINAL_BITS),
        Text("maker", size=5),
        ByVersion(Text("model", size=20), Text("model", size=30)),
        ByVersion(Text("terminal_id", size=7), Text("terminal_id", size=30)),
        Digits("iccid", 10),
        Text("hardware", prefix=1),
        Text("firmware", prefix=1),
        Bits("gnss", 1, _GNSS_BITS),
        Bits("radio", 1, _RADIO_BITS),
    ),
    0x0701: layout(_Waybill()),
    0x0702: DRIVER,
    0x0800: layout(MEDIA),
    0x0805: layout(
        Number("reply_serial", 2),
        Named("result", 1, _PHOTO_RESULTS),
        IfSent("media_ids", numbers("media_ids", count=2, size=4)),
    ),
    0x0900: _TRANSPARENT,
    0x8001: _REPLY,
    0x8003: _RESEND,
    0x8004: layout(Moment("time_utc", utc=True)),
    0x8100: layout(Number("reply_serial", 2), Number("result", 1), Text("auth")),
    0x8105: layout(Named("command", 1, _CONTROL), Text("parameters")),
    0x8107: EMPTY,
    0x8201: EMPTY,
    # Interval 0 ends the tracking and has nothing behind it.
    0x8202: layout(
        Number("interval_s", 2), When(lambda values: values["interval_s"] > 0, Number("valid_s", 4))
    ),
    0x8203: layout(Number("alarm_serial", 2), Bits("alarms", 4, _CONFIRMED)),
    0x8300: layout(_TEXT_FLAGS, ByVersion(None, Named("kind", 1, _TEXT_KINDS)), Text("text")),
    0x8800: layout(Number("media_id", 4), IfSent("numbers", numbers("numbers", count=1, size=2))),
    # `count` 0 ends a film, 0xFFFF begins one.
    0x8801: layout(
        Number("channel", 1),
        Number("count", 2),
        Number("interval_s", 2),
        Number("keep", 1),
        Named("resolution", 1, _RESOLUTIONS),
        Number("quality", 1),
        Number("brightness", 1),
        Number("contrast", 1),
        Number("saturation", 1),
        Number("chroma", 1),
    ),
    0x8900: _TRANSPARENT,
    **parameters.LAYOUTS,
    **areas.LAYOUTS,
}
