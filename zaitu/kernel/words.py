"""Characters that nobody sees in a text: they are never typed on purpose, and some of them reorder what others read."""

import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, formats (among them the ones that turn a line round), halves of a character, odd line ends."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""Formats that spelling needs: scripts and emoji are joined by them."""


def _hidden(char: str, *, lines: bool) -> bool:
    if char in _JOINERS or (lines and char == "\n"):
        return False
    return unicodedata.category(char) in _HIDDEN


def hides(text: str, *, lines: bool = False) -> bool:
    """Whether the text holds such a character; `lines`: it may have line breaks."""
    return any(_hidden(char, lines=lines) for char in text)


def shown(text: str, *, lines: bool = False) -> str:
    """The text without them, trimmed: for words from the field, which are worth more than a refusal."""
    return "".join(char for char in text if not _hidden(char, lines=lines)).strip()
