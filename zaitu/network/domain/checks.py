"""What a valid code, plate, terminal number, station or line is. Raises Invalid with a sentence for the person who typed it."""

import re
import unicodedata
from dataclasses import replace
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
TERMINAL_ZERO: Final = "终端号全是 0:设备里还没有写终端号,请先用厂家的工具写好再接入"
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
        raise _invalid("plate", "车牌号不正确,应如 沪A12345、沪AD12345 或 沪A1234挂")
    return plate


def simulated_plate(text: str) -> str:
    """A test vehicle's plate, 测A00001. Raises Invalid for any other, a real vehicle's too."""
    if not _SIMULATED.fullmatch(text):
        raise _invalid("plate", f"试验车辆的车牌号应如 {SIMULATED_MARK}A00001")
    return text


def terminal_normal(text: str) -> str:
    """Digits (and a–f) without leading zeros: firmware versions of one SIM pad differently. Raises Invalid."""
    number = plain(text).lower()
    stripped = number.lstrip("0")
    if not _TERMINAL.fullmatch(number):
        raise _invalid("terminal", "终端号须为 1–20 位数字(或 a–f)")
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


def place_checked(lat: float, lon: float) -> Point:
    """A point on Earth that is not the (0, 0) of a forgotten field. Raises Invalid."""
    if not -90 <= lat <= 90:
        raise _invalid("lat", "纬度须在 -90 到 90 之间")
    if not -180 <= lon <= 180:
        raise _invalid("lon", "经度须在 -180 到 180 之间")
    if lat == 0 and lon == 0:
        raise _invalid("lat", "经纬度未填写")
    return lat, lon


def station_checked(draft: StationDraft) -> StationDraft:
    """The draft in normal form. Raises Invalid."""
    if draft.kind not in STATION_KINDS:
        raise _invalid("kind", "站点类型须为 " + "、".join(STATION_KINDS.values()))
    if not RADIUS_M[0] <= draft.radius_m <= RADIUS_M[1]:
        raise _invalid("radius_m", f"围栏半径须在 {RADIUS_M[0]} 到 {RADIUS_M[1]} 米之间")
    lat, lon = place_checked(draft.lat, draft.lon)
    return replace(
        draft,
        code=code_normal(draft.code, what="站点编码"),
        name=text_checked(draft.name, field="name", label="站点名称", longest=NAME_MAX),
        city=text_checked(draft.city, field="city", label="城市", longest=20),
        province=text_checked(draft.province, field="province", label="省份", longest=20, blank=True),
        address=text_checked(draft.address, field="address", label="地址", longest=ADDRESS_MAX, blank=True),
        lat=lat,
        lon=lon,
        fence=_fence_checked(draft.fence),
        delivery_hours=hours_checked(draft.delivery_hours),
    )


def _fence_checked(fence: tuple[Point, ...] | None) -> tuple[Point, ...] | None:
    if not fence:
        return None
    if not 3 <= len(fence) <= FENCE_POINTS_MAX:
        raise _invalid("fence", f"电子围栏须有 3 到 {FENCE_POINTS_MAX} 个点")
    return tuple(place_checked(lat, lon) for lat, lon in fence)


def product_checked(draft: ProductDraft) -> ProductDraft:
    """The draft in normal form. Raises Invalid."""
    if not PROMISE_HOURS[0] <= draft.promise_hours <= PROMISE_HOURS[1]:
        raise _invalid("promise_hours", f"承诺时效须在 {PROMISE_HOURS[0]} 到 {PROMISE_HOURS[1]} 小时之间")
    return replace(
        draft,
        code=code_normal(draft.code, what="产品编码"),
        name=text_checked(draft.name, field="name", label="产品名称", longest=NAME_MAX),
    )


def vehicle_checked(draft: VehicleDraft) -> VehicleDraft:
    """The draft in normal form. Raises Invalid."""
    if draft.kind not in VEHICLE_KINDS:
        raise _invalid("kind", "车型须为 " + "、".join(VEHICLE_KINDS.values()))
    if not 0 <= draft.capacity_kg <= 100_000:
        raise _invalid("capacity_kg", "载重须在 0 到 100000 公斤之间")
    if not 0 <= draft.capacity_m3 <= 300:
        raise _invalid("capacity_m3", "容积须在 0 到 300 立方米之间")
    return replace(
        draft,
        plate=plate_normal(draft.plate),
    )


def driver_checked(draft: DriverDraft) -> DriverDraft:
    """The draft in normal form; an empty phone stays empty. Raises Invalid."""
    return replace(
        draft,
        code=code_normal(draft.code, what="司机编码"),
        name=text_checked(draft.name, field="name", label="司机姓名", longest=NAME_MAX),
        phone=phone_normal(draft.phone) if draft.phone.strip() else "",
    )


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, fields={field: message})
