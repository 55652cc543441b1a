"""Fields of WeChat's templates: which of our words goes into which, cut or written anew so that WeChat takes it. Pure.

A template's text maps them: `thing1={place};time2={eta}`. WeChat refuses the whole message (47003) when one value does not fit.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from zaitu.kernel.errors import Invalid

_FIELD: Final = re.compile(r"([a-z_]+)([0-9]{1,2})")
_MOMENT: Final = re.compile(
    r"(?:(?P<year>[0-9]{4})年)?(?:(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})日)?\s*(?P<clock>[0-9]{1,2}[:：][0-9]{2})?"
)
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CUT: Final = "…"
FIELDS_MAX: Final = 10


class DoesNotFit(ValueError):
    """No way to write the value as the field wants it."""


def _cut(most: int) -> Callable[[str, int], str]:
    def fit(text: str, _year: int) -> str:
        return text if len(text) <= most else text[: most - 1] + _CUT

    return fit


def _only(pattern: str, most: int) -> Callable[[str, int], str]:
    """Keeps the characters of `pattern`; a value without any does not fit, and neither does one that loses its end."""
    kept = re.compile(pattern)

    def fit(text: str, _year: int) -> str:
        found = "".join(kept.findall(unicodedata.normalize("NFKC", text)))
        if not found or len(found) > most:
            raise DoesNotFit
        return found

    return fit


def _number(text: str, _year: int) -> str:
    found = _NUMBER.search(unicodedata.normalize("NFKC", text).replace(",", ""))
    if not found or len(found[0]) > 32:
        raise DoesNotFit
    return found[0]


def _amount(text: str, year: int) -> str:
    number = _number(text, year)
    if len(number.partition(".")[0]) > 10:
        raise DoesNotFit
    return f"{number}元"


def _phrase(text: str, _year: int) -> str:
    return "".join(re.findall(r"[\u4e00-\u9fff]", text))[:5] or _raise()


def _raise() -> str:
    raise DoesNotFit


def _time(text: str, year: int) -> str:
    """`11月22日 15:20–16:00` as `2026年11月22日 15:20~2026年11月22日 16:00`; a time alone stays one."""
    return _moments(text, year, clock_needed=True)


def _date(text: str, year: int) -> str:
    return _moments(text, year, clock_needed=False)


def _moments(text: str, year: int, *, clock_needed: bool) -> str:
    written: list[str] = []
    day = ""
    for part in re.split(r"[–—~～]|(?<=\S)-(?=\S)", text):
        found = _MOMENT.fullmatch(part.strip())
        if found is None or not found[0]:
            raise DoesNotFit
        if found["month"]:
            day = f"{found['year'] or year}年{int(found['month'])}月{int(found['day'])}日"
        clock = (found["clock"] or "").replace("：", ":")
        if (clock_needed and not clock) or (not clock_needed and not day):
            raise DoesNotFit
        written.append(f"{day} {clock}".strip())
    if not 1 <= len(written) <= 2:
        raise DoesNotFit
    return "~".join(written)


LIMITS: Final[Mapping[str, tuple[str, Callable[[str, int], str]]]] = {
    "thing": ("20 个字以内", _cut(20)),
    "keyword": ("20 个字以内", _cut(20)),
    "const": ("20 个字以内", _cut(20)),
    "number": ("32 位以内的数字", _number),
    "letter": ("32 个以内的英文字母", _only("[A-Za-z]", 32)),
    "symbol": ("5 个以内的符号", _only(r"[^\w\s]", 5)),
    "character_string": ("32 个以内的数字、字母或符号", _only("[!-~]", 32)),
    "time": ("时刻，如 15:01 或 2026年11月22日 15:01，可用 ~ 连接两个", _time),
    "date": ("日期，如 2026年11月22日，可带时刻", _date),
    "amount": ("10 位以内的金额", _amount),
    "phone_number": ("17 位以内的电话号码", _only("[0-9+-]", 17)),
    "car_number": ("8 位以内的车牌号", _cut(8)),
    "name": ("10 个字以内", _cut(10)),
    "phrase": ("5 个以内的汉字", _phrase),
}
"""Kind of field → what it takes, and how a value is made to fit."""


def fields_parsed(text: str) -> tuple[tuple[str, str], ...]:
    """(field, its text with variables in braces) in order. Raises Invalid: not `field={…};…`, an unknown or repeated field."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in re.split("[;；\n]", text))):
        name, equals, value = (side.strip() for side in part.partition("="))
        known = _FIELD.fullmatch(name)
        if not equals or not value:
            raise _wrong(f"{name or '（空）'} 后面要有 = 和内容，如 thing1={{place}}")
        if known is None or known[1] not in LIMITS:
            raise _wrong(f"没有 {name} 这种字段，可用：{'、'.join(LIMITS)}，后跟编号")
        if name in found:
            raise _wrong(f"字段 {name} 写了两次")
        found[name] = value
    if not 1 <= len(found) <= FIELDS_MAX:
        raise _wrong(f"须写 1–{FIELDS_MAX} 个字段，如 thing1={{place}};time2={{eta}}")
    return tuple(found.items())


def fitted(fields: tuple[tuple[str, str], ...], *, year: int) -> dict[str, str]:
    """The values as WeChat takes them. Raises DoesNotFit with the field's name; `year`: of times that do not say theirs."""
    fits: dict[str, str] = {}
    for name, value in fields:
        plain = " ".join("".join(c if c.isprintable() else " " for c in value).split())
        try:
            fits[name] = LIMITS[_kind(name)][1](plain, year)
        except DoesNotFit:
            raise DoesNotFit(name) from None
        if not fits[name]:
            raise DoesNotFit(name)
    return fits


def fields_checked(text: str, examples: Mapping[str, str]) -> None:
    """Raises Invalid as `fields_parsed`, and where a field cannot hold what its variables are like; `examples`: by variable."""
    parsed = fields_parsed(text)
    filled = tuple(
        (name, re.sub(r"\{([^{}]*)\}", lambda found: examples.get(found[1], ""), value))
        for name, value in parsed
    )
    try:
        fitted(filled, year=2026)
    except DoesNotFit as error:
        name = str(error)
        raise _wrong(f"{name} 只能填{LIMITS[_kind(name)][0]}，填不进“{dict(filled)[name]}”") from None


def _kind(name: str) -> str:
    found = _FIELD.fullmatch(name)
    if found is None:
        raise ValueError(f"no field of a template: {name}")
    return found[1]


def _wrong(message: str) -> Invalid:
    return Invalid("模板有误", fields={"text": message})
