"""What every SMS provider with approved templates has in common. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.saying import Said

_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_CUT: Final = frozenset({"place", "route", "signed_by", "company", "status", "pieces"})
"""Variables that still say something when they are cut; half a number or an address says nothing."""
SAID_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a provider's code means for a message."""

    verdict: Verdict
    note: str
    gone: bool = False
    wait_s: int | None = None

    def answer(self, reason: str, said: str) -> Answer:
        """`said`: the provider's own words; they may repeat the number, so they come after the colon."""
        words = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:SAID_MAX]
        return Answer(
            verdict=self.verdict,
            note=f"{self.note}：{words}" if words else self.note,
            reason=reason[:60],
            rests=self.verdict is Verdict.PAUSE,
            gone=self.gone,
            retry_after_s=self.wait_s,
        )


def meanings(*rows: tuple[Meaning, Iterable[str]]) -> Mapping[str, Meaning]:
    """By code."""
    return {code: meaning for meaning, codes in rows for code in codes}


NO_CODE: Final = Answer(verdict=Verdict.NEVER, note="这种通知没有配置短信模板编号", reason="no_code")
LANDLINE: Final = Answer(verdict=Verdict.NEVER, note="座机和服务号码收不到短信", reason="landline")
HAS_LINK: Final = Answer(
    verdict=Verdict.NEVER, note="短信模板把网址用作变量，服务商不接受", reason="link_variable"
)


def not_set(setting: str) -> Answer:
    return Answer(verdict=Verdict.PAUSE, rests=True, note=f"没有设置 {setting}", reason="not_set")


def e164(phone: str) -> str:
    """`+8613800005678` of a number as kernel.phones spells it; empty where no SMS can be sent to."""
    if _MOBILE.fullmatch(phone):
        return f"+86{phone}"
    return phone if phone.startswith("+") else ""


def refusal(said: Said, address: str) -> Answer | None:
    """What no provider with approved templates takes, told before anything is sent."""
    if not said.code:
        return NO_CODE
    if not e164(address):
        return LANDLINE
    return HAS_LINK if any(name == "link" for name, _ in said.variables) else None


def fitted(said: Said, longest: int) -> tuple[tuple[tuple[str, str], ...], str]:
    """(the variables, each at most so long; the name of one that is too long and cannot be shortened, or "")."""
    values = tuple((name, _shorter(name, value, longest)) for name, value in said.variables)
    return values, next((name for name, value in values if len(value) > longest), "")


def _shorter(name: str, value: str, longest: int) -> str:
    if len(value) <= longest:
        return value
    if name in _CUT:
        return f"{value[: longest - 1]}…"
    # Of a window over two days its beginning: 11月23日 22:20起.
    return f"{value.partition('–')[0]}起" if name == "eta" and "–" in value else value


def too_long(name: str, longest: int) -> Answer:
    return Answer(
        verdict=Verdict.NEVER, note=f"变量 {{{name}}} 超过服务商允许的 {longest} 个字", reason="too_long"
    )


def refuses_links(text: str, names: Collection[str], *, submitted: str) -> str:
    """Why a template is refused that says a whole address in a variable; empty when it does not."""
    if "link" not in names:
        return ""
    return f"服务商不接受网址作变量：请写成固定文字 {submitted}，变量只用 {{token}}"
