"""What the robots of all providers have in common: how a try is made, and how its pieces are named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.parcels import Parcel

SAID_MAX: Final = 160


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` messages in any `within_s` seconds."""

    most: int
    within_s: int


@dataclass(frozen=True, slots=True)
class Call:
    """What is posted, and where."""

    url: str
    body: Mapping[str, Any]
    query: Mapping[str, str]


class Robot(Protocol):
    """One provider. Pure but for its settings."""

    provider: str
    name: str
    """For people."""
    rates: tuple[Rate, ...]

    def call(self, parcel: Parcel, words: "Words", now: datetime) -> Call: ...

    def answer(self, status: int, reply: Mapping[str, Any]) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said, without any sign that a robot would take for more than a word."""

    title: str
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Meaning:
    verdict: Verdict
    note: str
    gone: bool = False
    """The robot is no more, or does not want us: it is switched off."""
    wait_s: int | None = None
    """This robot rests so long; others go on."""


def answer_of(meaning: Meaning, *, code: int, said: str, status: int) -> Answer:
    plain = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:SAID_MAX]
    return Answer(
        verdict=meaning.verdict,
        code=status,
        reason=str(code),
        note=f"{meaning.note}（{code}）" + (f"：{plain}" if plain else ""),
        retry_after_s=meaning.wait_s,
        gone=meaning.gone,
    )


def wait_s(recent: list[datetime], rates: tuple[Rate, ...], now: datetime) -> float:
    """Seconds until one more may be sent without exceeding any of the rates; `recent`: when others were, in order."""
    waits = [0.0]
    for rate in rates:
        since = [at for at in recent if now - at < timedelta(seconds=rate.within_s)]
        if len(since) >= rate.most:
            free_at = since[-rate.most] + timedelta(seconds=rate.within_s)
            waits.append((free_at - now).total_seconds())
    return max(waits)
