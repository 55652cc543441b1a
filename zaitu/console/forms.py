"""What somebody typed, and what was wrong with it: rooms check, forms only keep and show."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext as _

from zaitu.console import words
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.ui import problems

N = TypeVar("N", int, float)
_LONGEST: int = 20_000
_EMPTY_WORDS: str = "资料有误"
"""How rooms name what a caller by program gets beside the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    """What is wrong with the whole; shown above the fields."""

    @classmethod
    def posted(cls, request: HttpRequest) -> Self:
        # Without NUL, which nobody types and PostgreSQL does not take.
        values = {name: str(value).replace("\0", "")[:_LONGEST] for name, value in request.POST.items()}
        return cls(values=values, lists={name: request.POST.getlist(name) for name in request.POST})

    def text(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def ticked(self, name: str) -> bool:
        return bool(self.values.get(name))

    def chosen(self, name: str) -> frozenset[str]:
        return frozenset(self.lists.get(name, []))

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number; raises Invalid at the field."""
        return _number(name, self.text(name), int, default, _("请填写整数"))

    def number(self, name: str, default: float | None = None) -> float:
        """A number; raises Invalid at the field."""
        return _number(name, self.text(name), float, default, _("请填写数字"))

    def any_number(self, name: str, default: float = math.nan) -> float:
        """A number; what is none becomes one that no room takes, so that the room complains of all fields at once."""
        try:
            return self.number(name, default)
        except Invalid:
            return math.nan

    def any_whole(self, name: str, default: int = -1) -> int:
        """A whole number; what is none becomes a negative one, which no room takes, as with `any_number`."""
        try:
            return self.whole(name, default)
        except Invalid:
            return -1

    def maybe_number(self, name: str) -> float | None:
        """A number or nothing; raises Invalid at the field."""
        return self.number(name) if self.text(name) else None

    def local_time(self, name: str) -> datetime:
        """`<input type=datetime-local>` as an instant: what people type is Beijing time. Raises Invalid at the field."""
        try:
            typed = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise Invalid(fields={name: _("请选择日期和时间")}) from None
        return typed.replace(tzinfo=clock.CHINA) if typed.tzinfo is None else typed

    def refused(self, name: str, text: str) -> Self:
        """The same form with one complaint of the door's own."""
        return self.failed(Invalid(fields={name: text}))

    def failed(self, error: Invalid, *, renamed: Mapping[str, str] | None = None) -> Self:
        """The same form with the room's complaints at their fields."""
        names = renamed or {}
        errors = {names.get(name, name): words.said(text) for name, text in error.fields.items()}
        said = words.understood(problems.said(error))
        # Where fields say what is wrong, a sentence that says only that something is (客户资料有误) leads nobody on.
        empty = errors and (len(errors) > 1 or said.endswith(_EMPTY_WORDS))
        return replace(
            self, errors=errors, message=said if said and not empty else _("有内容需要修改，请看标红的地方")
        )


def _number(name: str, text: str, kind: Callable[[str], N], default: N | None, complaint: str) -> N:
    if not text and default is not None:
        return default
    try:
        value = kind(text)
    except ValueError:
        raise Invalid(fields={name: complaint}) from None
    if not math.isfinite(value):
        raise Invalid(fields={name: complaint})
    return value
