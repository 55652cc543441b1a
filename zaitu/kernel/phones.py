"""Phone numbers in one spelling, and masks for personal data after GB/T 41833-2022."""

import re
import unicodedata
from typing import Final

from zaitu.kernel.errors import Invalid

_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE: Final = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})([2-9][0-9]{6,7})")
_SERVICE: Final = re.compile(r"[48]00[0-9]{7}")
_FOREIGN: Final = re.compile(r"\+(?!86)[1-9][0-9]{6,14}")
_EXTENSION: Final = re.compile(r"(?:转|分机|EXT\.?|X|#|,|;)+([0-9]{1,6})$")
_NOISE: Final = re.compile(r"[\s\-‐‑‒–—―−()./·]+")
_HIDDEN: Final = "*"


def phone_normal(text: str) -> str:
    """One spelling per number: `13812345678`, `02161234567` (extension: `02161234567-805`), `4008123456`, `+85291234567`.

    Raises Invalid for what no Chinese network or E.164 number looks like.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    # An extension after a hyphen (021-6123456-805) is only one when two groups of a landline stand before it.
    hyphened = re.fullmatch(r"(.*0\d{2,3}\)?[- ]?\d{7,8})-(\d{1,6})", plain.strip())
    plain = f"{hyphened[1]}转{hyphened[2]}" if hyphened else plain
    plain = _NOISE.sub("", plain)
    extension = _EXTENSION.search(plain)
    number = plain[: extension.start()] if extension else plain
    home = re.sub(r"^(?:\+|00)86", "", number)
    if home != number and not home.startswith(("0", "1", "4", "8")):
        home = f"0{home}"  # +86 21 6123 4567: abroad the area code loses its zero
    if home != number and re.fullmatch(r"10[2-9][0-9]{7}", home):
        home = f"0{home}"  # +86 10 …: Beijing, not a mobile
    if _MOBILE.fullmatch(home) or _SERVICE.fullmatch(home):
        return home
    if _LANDLINE.fullmatch(home):
        return f"{home}-{extension[1]}" if extension else home
    foreign = re.sub(r"^00", "+", number)
    if _FOREIGN.fullmatch(foreign):
        return foreign
    raise Invalid("电话须为 11 位手机号、带区号的座机或带国家代码的号码")


def phone_tail(phone: str) -> str:
    """The last four digits of the number itself (never of an extension), which a party gives to see details."""
    return phone.partition("-")[0][-4:]


def phone_masked(phone: str) -> str:
    """At most the first three digits are shown.

    GB/T 41833 wants six hidden; the last four stay hidden too, because they open the shipment's details.
    """
    number = phone.partition("-")[0]
    shown = min(4 if number.startswith("+") else 3, max(0, len(number) - 6))
    return number[:shown] + _HIDDEN * (len(number) - shown)


def name_masked(name: str) -> str:
    """`王**` for 王小明: the first character alone is shown, of a name of one character none."""
    plain = name.strip()
    if not plain:
        return ""
    return plain[0] + _HIDDEN * min(len(plain) - 1, 3) if len(plain) > 1 else _HIDDEN


_NUMBER: Final = re.compile(
    r"[甲乙丙丁]?(?:[0-9A-Za-z]|[一二三四五六七八九十百]+(?:号|幢|栋|座|单元|楼|层|室))"
)


def address_masked(address: str) -> str:
    """Province, city, district and street are shown; house, building, unit and room are not.

    Everything from the first number on is hidden; an address without one keeps its administrative part at most.
    """
    plain = unicodedata.normalize("NFKC", address).strip()
    if not plain:
        return ""
    number = _NUMBER.search(plain)
    head = plain[: number.start()] if number else ""
    if not number:
        ends = [match.end() for match in re.finditer(r"[省市区县旗镇乡路街道巷]", plain)]
        head = plain[: ends[-1]] if ends else plain[: len(plain) // 2]
    return head[:30].rstrip() + _HIDDEN * 4
