"""What a valid code, plate, terminal number, station or line is. Raises Invalid with a sentence for the person who typed it."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.phones import phone_normal
from zaitu.kernel.words import hides
from zaitu.network.domain.hours import hours_checked
from zaitu.network.domain.kinds import STATION_KINDS, VEHICLE_KINDS
from zaitu.network.domain.views import (
    CompanyView,
    DriverDraft,
    Point,
    ProductDraft,
    StationDraft,
    VehicleDraft,
)

RADIUS_M: Final = (50, 5_000)
FENCE_POINTS_MAX: Final = 500
PROMISE_HOURS: Final = (1, 720)
NAME_MAX: Final = 60
COMPANY_NAME_MAX: Final = 40
ADDRESS_MAX: Final = 200

_HOTLINE: Final = re.compile(r"\+?[0-9][0-9 -]{1,20}[0-9](?: ?转 ?[0-9]{1,6})?")
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,19}")
# GA 36: province, office letter, then 5 (fuel) or 6 (new energy) characters; I and O are not used, the last may be a word.
_PLATE: Final = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"
    r"(?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[A-HJ-NP-Z0-9]{6})"
)
SIMULATED_MARK: Final = "测"
"""Where a plate has its province."""
_SIMULATED: Final = re.compile(SIMULATED_MARK + r"[A-HJ-NP-Z][0-9]{5}")
# Most terminals are called by a phone number; some by an IMEI packed as binary, whose nibbles reach f.
_TERMINAL: Final = re.compile(r"[0-9a-f]{1,20}")
_SENSOR: Final = re.compile(r"[0-9a-z][0-9a-z._:-]{0,19}")
TERMINAL_ZERO: Final = "终端号全是 0：设备里还没有写终端号，请先用厂家的工具写好再接入"
"""All devices fresh from the factory call themselves so: let one in, and any may speak for its vehicle."""


def plain(text: str) -> str:
    """Half-width, upper case, without spaces: how codes, plates and numbers are compared."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper()


def code_normal(text: str, *, what: str = "编码") -> str:
    """Letters, digits, `-` and `_`, 2 to 20 of them. Raises Invalid."""
    code = plain(text)
    if not _CODE.fullmatch(code):
        raise _invalid("code", f"{what}须为 2–20 位字母、数字、- 或 _")
    return code


def plate_normal(text: str) -> str:
    """`沪 A·12345` → `沪A12345`. Raises Invalid."""
    plate = re.sub(r"[·•・.\-]", "", plain(text))
    if not _PLATE.fullmatch(plate):
        raise _invalid("plate", "车牌号不正确，应如 沪A12345、沪AD12345 或 沪A1234挂")
    return plate


def simulated_plate(text: str) -> str:
    """A test vehicle's plate, 测A00001. Raises Invalid for any other, a real vehicle's too."""
    if not _SIMULATED.fullmatch(text):
        raise _invalid("plate", f"试验车辆的车牌号应如 {SIMULATED_MARK}A00001")
    return text


def terminal_normal(text: str) -> str:
    """Digits (and a–f) without leading zeros: firmware versions of one SIM pad differently; a sensor's name in small letters.

    Raises Invalid.
    """
    number = plain(text).lower()
    stripped = number.lstrip("0")
    if not _TERMINAL.fullmatch(number):
        if _SENSOR.fullmatch(number):
            return number
        raise _invalid("terminal", "终端号须为 1–20 位数字（或 a–f），传感器名可用字母、数字和 . _ : -")
    if not stripped:
        raise _invalid("terminal", TERMINAL_ZERO)
    return stripped


def text_checked(text: str, *, field: str, label: str, longest: int, blank: bool = False) -> str:
    """Trimmed and free of characters that nobody sees. Raises Invalid."""
    trimmed = text.strip()
    if not trimmed and not blank:
        raise _invalid(field, f"{label}不能为空")
    if len(trimmed) > longest:
        raise _invalid(field, f"{label}最多 {longest} 个字")
    if hides(trimmed):
        raise _invalid(field, f"{label}含有不可见的控制字符")
    return trimmed


def company_checked(company: CompanyView) -> CompanyView:
    """A name of 1–40 characters, and a number that can be dialled or none. Raises Invalid."""
    name = text_checked(company.name, field="name", label="公司名称", longest=COMPANY_NAME_MAX)
    hotline = unicodedata.normalize("NFKC", company.hotline).strip()
    if hotline and not _HOTLINE.fullmatch(hotline):
        raise _invalid("hotline", "客服热线须为电话号码，如 400-820-0000 或 021-55556666 转 8")
    return CompanyView(name=name, hotline=hotline)


def gathered(*checks: Callable[[], object]) -> None:
    """Run all checks, and raise what all of them complain of as one Invalid: nobody wants to hear of one field at a time."""
    faults: dict[str, str] = {}
    for check in checks:
        try:
            check()
        except Invalid as error:
            faults |= error.fields or {"": error.message}
    if faults:
        raise Invalid("；".join(faults.values()), fields=faults)


def place_checked(lat: float, lon: float) -> Point:
    """A point on Earth that is not the (0, 0) of a forgotten field. Raises Invalid."""
    gathered(
        lambda: _must(-90 <= lat <= 90, "lat", "纬度须在 -90 到 90 之间"),
        lambda: _must(-180 <= lon <= 180, "lon", "经度须在 -180 到 180 之间"),
    )
    if lat == 0 and lon == 0:
        raise _invalid("lat", "经纬度未填写")
    return lat, lon


def station_checked(draft: StationDraft) -> StationDraft:
    """The draft in normal form. Raises Invalid."""
    texts = {
        "name": ("站点名称", NAME_MAX, False),
        "city": ("城市", 20, False),
        "province": ("省份", 20, True),
        "address": ("地址", ADDRESS_MAX, True),
    }

    def text(name: str) -> str:
        label, longest, blank = texts[name]
        return text_checked(getattr(draft, name), field=name, label=label, longest=longest, blank=blank)

    low, high = RADIUS_M
    gathered(
        lambda: code_normal(draft.code, what="站点编码"),
        lambda: _must(
            draft.kind in STATION_KINDS, "kind", "站点类型须为 " + "、".join(STATION_KINDS.values())
        ),
        *(partial(text, name) for name in texts),
        lambda: place_checked(draft.lat, draft.lon),
        lambda: _must(low <= draft.radius_m <= high, "radius_m", f"围栏半径须在 {low} 到 {high} 米之间"),
        lambda: _fence_checked(draft.fence),
        lambda: hours_checked(draft.delivery_hours),
    )
    return replace(
        draft,
        code=code_normal(draft.code),
        fence=_fence_checked(draft.fence),
        name=text("name"),
        city=text("city"),
        province=text("province"),
        address=text("address"),
    )


def _fence_checked(fence: tuple[Point, ...] | None) -> tuple[Point, ...] | None:
    if not fence:
        return None
    if not 3 <= len(fence) <= FENCE_POINTS_MAX:
        raise _invalid("fence", f"电子围栏须有 3 到 {FENCE_POINTS_MAX} 个点")
    return tuple(place_checked(lat, lon) for lat, lon in fence)


def product_checked(draft: ProductDraft) -> ProductDraft:
    """The draft in normal form. Raises Invalid."""
    low, high = PROMISE_HOURS
    gathered(
        lambda: code_normal(draft.code, what="产品编码"),
        lambda: text_checked(draft.name, field="name", label="产品名称", longest=NAME_MAX),
        lambda: _must(
            low <= draft.promise_hours <= high, "promise_hours", f"承诺时效须在 {low} 到 {high} 小时之间"
        ),
    )
    return replace(draft, code=code_normal(draft.code), name=draft.name.strip())


def vehicle_checked(draft: VehicleDraft) -> VehicleDraft:
    """The draft in normal form. Raises Invalid."""
    gathered(
        lambda: plate_normal(draft.plate),
        lambda: _must(draft.kind in VEHICLE_KINDS, "kind", "车型须为 " + "、".join(VEHICLE_KINDS.values())),
        lambda: _must(0 <= draft.capacity_kg <= 100_000, "capacity_kg", "载重须在 0 到 100000 公斤之间"),
        lambda: _must(0 <= draft.capacity_m3 <= 300, "capacity_m3", "容积须在 0 到 300 立方米之间"),
    )
    return replace(draft, plate=plate_normal(draft.plate))


def driver_checked(draft: DriverDraft) -> DriverDraft:
    """The draft in normal form; an empty phone stays empty. Raises Invalid."""

    def phone() -> str:
        try:
            return phone_normal(draft.phone) if draft.phone.strip() else ""
        except Invalid as error:
            raise _invalid("phone", error.message) from None

    gathered(
        lambda: code_normal(draft.code, what="司机编码"),
        lambda: text_checked(draft.name, field="name", label="司机姓名", longest=NAME_MAX),
        phone,
    )
    return replace(draft, code=code_normal(draft.code), name=draft.name.strip(), phone=phone())


def _must(fits: object, field: str, message: str) -> None:
    if not fits:
        raise _invalid(field, message)


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, fields={field: message})
