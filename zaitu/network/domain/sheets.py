"""What a spreadsheet cell may hold, and how the text in it becomes a value. Raises Invalid with a sentence for the person."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from zaitu.kernel.errors import Invalid
from zaitu.network.domain import checks
from zaitu.network.domain.moments import moment_parsed
from zaitu.network.domain.views import Point

_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(\.\d+)?E\+\d+", re.IGNORECASE)
_YES: Final = frozenset({"是", "Y", "YES", "TRUE", "1", "√", "启用", "有"})
_NO: Final = frozenset({"否", "N", "NO", "FALSE", "0", "×", "停用", "无"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    key: str
    header: str
    parse: Callable[[str], Any] = str
    """Raises Invalid or ValueError."""
    required: bool = False
    default: Any = ""
    """The value of an empty cell."""


def digits(text: str) -> str:
    """A code, phone or terminal number that Excel did not turn into `1.38E+10`."""
    if _SCIENTIFIC.fullmatch(text):
        raise Invalid("已被 Excel 变成科学计数法，原数字已丢失；请把这一列设为“文本”后重新填写")
    return text


def code(text: str) -> str:
    return checks.code_normal(digits(text))


def plate(text: str) -> str:
    return checks.plate_normal(text)


def terminal(text: str) -> str:
    return checks.terminal_normal(digits(text))


def phone(text: str) -> str:
    """The number as written; a landline whose area code lost its 0 is named, the rest is checked with the driver."""
    number = checks.plain(digits(text))
    if re.fullmatch(r"[2-9]\d{8,10}", number) and not number.startswith(("400", "800")):
        raise Invalid("座机区号可能丢了开头的 0；请把这一列设为“文本”后重新填写")
    return number


def number(text: str) -> float:
    try:
        return float(checks.plain(text))
    except ValueError:
        raise Invalid("须为数字") from None


def whole(text: str) -> int:
    value = number(text)
    if value != int(value):
        raise Invalid("须为整数")
    return int(value)


def yes(text: str) -> bool:
    word = checks.plain(text)
    if word not in _YES | _NO:
        raise Invalid("请填 是 或 否")
    return word in _YES


def moment(text: str) -> Any:
    try:
        return moment_parsed(text)
    except ValueError:
        raise Invalid("时间须如 2026-11-22 08:00（北京时间）") from None


def one_of(words: dict[Any, str]) -> Callable[[str], str]:
    """The key of a word people use: 中转场 → hub. The key itself is taken too."""
    keys = {word: str(key) for key, word in words.items()} | {str(key): str(key) for key in words}

    def parse(text: str) -> str:
        if text not in keys:
            raise Invalid("须为 " + "、".join(words.values()))
        return keys[text]

    return parse


def points(text: str) -> tuple[Point, ...]:
    """`31.2304,121.4737;31.2389,121.4801`: latitude first."""
    found = []
    for part in filter(None, re.split(r"[;;\s]+", text)):
        pair = re.split(r"[,,]", part)
        if len(pair) != 2:
            raise Invalid("轨迹点须如 31.2304,121.4737;31.2389,121.4801(纬度在前)")
        found.append(checks.place_checked(number(pair[0]), number(pair[1])))
    return tuple(found)


def points_text(road: tuple[Point, ...]) -> str:
    return ";".join(f"{lat:.6f},{lon:.6f}" for lat, lon in road)
