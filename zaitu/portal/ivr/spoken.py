"""How numbers, times and waybills are said on the telephone in Chinese, and how spoken digits are understood. Pure."""

import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

PAUSE: Final = "‖"
"""Between two sentences of a prompt: a synthesiser rests there for `PAUSE_MS`."""
PAUSE_MS: Final = 400

_SAID: Final = "零幺二三四五六七八九"
_COUNTED: Final = "零一二三四五六七八九"
_DAYS: Final = {-2: "前天", -1: "昨天", 0: "今天", 1: "明天", 2: "后天"}
_LONG_WINDOW: Final = timedelta(hours=12)
_HEARD: Final = str.maketrans("〇零洞幺一二两三四五六七八九拐勾", "0001122" + "3456789" + "79")
_BETWEEN: Final = re.compile(r"[\s,，、。.\-—－]+")


def digits_spoken(digits: str) -> str:
    """零四幺二: one by one, as on a telephone; anything but digits stays."""
    return "".join(_SAID[int(one)] if "0" <= one <= "9" else one for one in digits)


def waybill_spoken(waybill: str) -> str:
    """The digits in groups of four; the company's letters are not said, for nobody keys them."""
    digits = waybill.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return "，".join(digits_spoken(digits[at : at + 4]) for at in range(0, len(digits), 4))


def number_spoken(number: int) -> str:
    """四百一十二, 十二, 三千零五; from 0 to 99,999,999."""
    if not 0 <= number < 10**8:
        raise ValueError(f"too large to be said: {number}")
    if number >= 10_000:
        rest = number % 10_000
        zero = "零" if 0 < rest < 1_000 else ""
        return f"{number_spoken(number // 10_000)}万{zero}{number_spoken(rest) if rest else ''}"
    said, gap = "", False
    for unit, name in ((1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            said += ("零" if gap and said else "") + _COUNTED[digit] + name
            gap = False
        else:
            gap = True
    said = said or "零"
    return said.removeprefix("一") if said.startswith("一十") else said


def count_spoken(number: int, measure: str) -> str:
    """With a measure word: 两小时, 十二件."""
    return f"{'两' if number == 2 else number_spoken(number)}{measure}"


def clock_spoken(at: datetime, *, period: bool = True) -> str:
    """下午三点二十, 凌晨两点, 上午九点半; of an instant on a Chinese wall clock."""
    hour = at.hour if at.hour <= 12 else at.hour - 12
    said = count_spoken(hour, "点")
    if at.minute == 30:
        said += "半"
    elif at.minute:
        said += f"零{number_spoken(at.minute)}分" if at.minute < 10 else number_spoken(at.minute)
    return f"{_period(at) if period else ''}{said}"


def _period(at: datetime) -> str:
    for until, name in ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午")):
        if at.hour < until:
            return name
    return "晚上"


def day_spoken(day: date, today: date) -> str:
    """今天, 明天, 十一月二十八号; with the year only when it is another."""
    near = _DAYS.get((day - today).days)
    if near:
        return near
    year = f"{''.join(_COUNTED[int(one)] for one in str(day.year))}年" if day.year != today.year else ""
    return f"{year}{number_spoken(day.month)}月{number_spoken(day.day)}号"


def instant_spoken(at: datetime, now: datetime) -> str:
    """今天下午三点二十; both on a Chinese wall clock."""
    return f"{day_spoken(at.date(), now.date())}{clock_spoken(at)}"


def window_spoken(start: datetime, end: datetime, now: datetime) -> str:
    """今天上午九点到十点之间; of more than half a day only the days are said."""
    if end - start > _LONG_WINDOW:
        first, last = (day_spoken(edge.date(), now.date()) for edge in (start, end))
        return first if first == last else f"{first}到{last}之间"
    if start == end:
        return instant_spoken(start, now)
    if start.date() != end.date():
        return f"{instant_spoken(start, now)}到{instant_spoken(end, now)}之间"
    until = clock_spoken(end, period=_period(start) != _period(end))
    return f"{instant_spoken(start, now)}到{until}之间"


def span_spoken(minutes: int) -> str:
    """一小时四十分钟, 两天三小时."""
    days, rest = divmod(max(0, minutes), 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [(days, "天"), (hours, "小时"), (0 if days else left, "分钟")]
    return "".join(count_spoken(number, unit) for number, unit in parts if number) or "不到一分钟"


def distance_spoken(metres: float) -> str:
    """四百一十二公里."""
    return count_spoken(round(metres / 1000), "公里") if metres >= 1000 else "不到一公里"


def digits_heard(speech: str) -> str:
    """The longest run of digits in what was said: 单号是零四幺二 → 0412; empty for none."""
    plain = unicodedata.normalize("NFKC", speech).translate(_HEARD)
    runs = re.findall(r"[0-9]+", _BETWEEN.sub("", plain))
    return max(runs, key=len, default="")


def text_plain(said: str) -> str:
    """A prompt for a synthesiser that knows no marks: the pauses are those of its full stops."""
    return "".join(
        part if part.endswith(("。", "？", "！", "；")) else f"{part}。" for part in said.split(PAUSE) if part
    )


def text_ssml(said: str) -> str:
    """The same as SSML 1.1, whatever the words hold."""
    rest = f'<break time="{PAUSE_MS}ms"/>'
    return f"<speak>{rest.join(escape(part) for part in said.split(PAUSE) if part)}</speak>"


def tidy(words: str) -> str:
    """Words from elsewhere as a part of a prompt: no marks of ours, nothing unprintable."""
    return "".join(one for one in words if one.isprintable() and one != PAUSE).strip()
