"""Questions by channel, from the metrics of all processes: how many, how many the house answered itself, how long it took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from zaitu.kernel.metrics import families

_ORDER: Final = ("page", "api", "hotline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    name: str
    asked: int
    answered: int
    share: int | None
    """Percent answered without a person, of the questions that had an answer."""
    unknown: int
    refused: int
    person: int
    half_s: str
    most_s: str
    """Within which half and 95 % of the answers came."""


def by_channel() -> list[Channel]:
    """Since the processes were started; channels that nobody used are left out."""
    told = families()
    counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sample in _samples(told, "zaitu_questions", "zaitu_questions_total"):
        counts[sample.labels["channel"]][sample.labels["outcome"]] += sample.value
    buckets: defaultdict[str, defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
    for sample in _samples(told, "zaitu_question_answer_s", "zaitu_question_answer_s_bucket"):
        buckets[sample.labels["channel"]][float(sample.labels["le"])] += sample.value
    known = sorted(counts, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    return [
        _channel(name, counts[name], buckets.get(name, {})) for name in known if any(counts[name].values())
    ]


def _samples(told: Mapping[str, Any], family: str, name: str) -> Iterable[Any]:
    return [one for one in told[family].samples if one.name == name] if family in told else []


def _channel(name: str, counts: Mapping[str, float], buckets: Mapping[float, float]) -> Channel:
    names = {"page": _("查询页"), "api": _("接口"), "hotline": _("热线")}
    counted = {key: round(counts.get(key, 0)) for key in ("answered", "unknown", "refused", "person")}
    settled = counted["answered"] + counted["person"]
    return Channel(
        name=names.get(name, name),
        asked=sum(counted.values()),
        share=round(100 * counted["answered"] / settled) if settled else None,
        half_s=_within(buckets, 0.5),
        most_s=_within(buckets, 0.95),
        **counted,
    )


def _within(buckets: Mapping[float, float], share: float) -> str:
    """The first bound that so many lie under: honest to the width of a bucket."""
    total = max(buckets.values(), default=0)
    bound = next((at for at in sorted(buckets) if total and buckets[at] >= share * total), None)
    if bound is None:
        return "—"
    if bound == float("inf"):
        return _("10 秒以上")
    if bound < 1:
        return _("%(bound)s 毫秒内") % {"bound": f"{bound * 1000:g}"}
    return _("%(bound)s 秒内") % {"bound": f"{bound:g}"}
