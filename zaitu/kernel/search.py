"""Chinese search by bigrams: arrays made in Python on write, a GIN index, `contains` on read.

PostgreSQL's own word search does not cut Chinese, and LIKE '%京东%' reads the whole table.
"""

import re
import unicodedata
from typing import Final

_LONGEST_TEXT: Final = 2_000
_HAN: Final = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUN: Final = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_STARTS_HAN: Final = re.compile(rf"[{_HAN}]")


def _runs(text: str) -> list[str]:
    """Runs of Han and words of letters and digits, in one spelling (NFKC, case folded)."""
    return _RUN.findall(unicodedata.normalize("NFKC", text[:_LONGEST_TEXT]).casefold())


def _windows(run: str, size: int) -> list[str]:
    return [run[start : start + size] for start in range(len(run) - size + 1)]


def grams(text: str) -> list[str]:
    """What to store for a text, sorted and without repeats; only the first 2,000 characters count.

    Han: single characters and pairs. Words: themselves, and pairs and triples of their characters, so that a part
    of a waybill or plate is found too.
    """
    found: set[str] = set()
    for run in _runs(text):
        if _STARTS_HAN.match(run):
            found.update(run, _windows(run, 2))
        else:
            found.update([run], _windows(run, 2), _windows(run, 3))
    return sorted(found)


def query_grams(text: str) -> list[str]:
    """What a stored array must all contain to match what somebody typed; empty when nothing is searchable in it.

    Slightly wider than the text itself: for four characters and more, the pieces could stand apart.
    """
    wanted: set[str] = set()
    for run in _runs(text):
        size = 2 if _STARTS_HAN.match(run) else 3
        wanted.update(_windows(run, size) or [run])
    return sorted(wanted)
