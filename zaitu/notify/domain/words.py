"""What people read: one fact, its time, and where to look further. Chinese; no codes, no names, no blame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zaitu.notify.domain.notices import Kind

_NAMED_MAX: Final = 1
"""Waybills named in an SMS: providers allow a variable some 30 characters."""
SUBJECT_MAX: Final = 60
"""Characters of a subject; phones show about 20 of them, so the fact comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    subject: str
    headline: str
    """The whole message in one sentence."""
    lines: tuple[tuple[str, str], ...]
    """Label and value of what else is known."""
    link: str
    """Full address of the tracking page; may be empty."""


_HEADLINES: Final = {
    Kind.ACCEPTED: "您的货物已下单",
    Kind.DEPARTED: "您的货物已从{place}发车",
    Kind.STOP: "您的货物已途经{place}",
    Kind.SOON: "您的货物即将送达，请留意接货",
    Kind.SIGNED: "您的货物已签收",
    Kind.EXCEPTION: "您的货物{cause}，{plan}",
    Kind.CORRECTION: "您的货物送达时间改为{eta}（原为{was}），{cause}",
    Kind.REPLY: "客服回复了您的留言，请在查询页查看",
    Kind.LINK: "您要的查询链接如下",
    Kind.TEST: "这是一条测试消息",
    Kind.ALERT: "有一条工作提醒",
}
_WITHOUT_PLACE: Final = {Kind.DEPARTED: "您的货物已发车", Kind.STOP: "您的货物已途经中转站"}
_SUBJECTS: Final = {
    Kind.ACCEPTED: "已下单",
    Kind.DEPARTED: "已发车",
    Kind.STOP: "已途经{place}",
    Kind.SOON: "即将送达",
    Kind.SIGNED: "已签收",
    Kind.EXCEPTION: "{cause}",
    Kind.CORRECTION: "送达时间改为{eta}",
    Kind.REPLY: "客服已回复",
    Kind.LINK: "查询链接",
    Kind.TEST: "测试消息",
    Kind.ALERT: "工作提醒",
}
_TIME_LABELS: Final = {
    Kind.ACCEPTED: "下单时间",
    Kind.DEPARTED: "发车时间",
    Kind.STOP: "途经时间",
    Kind.SIGNED: "签收时间",
    Kind.EXCEPTION: "发现时间",
    Kind.REPLY: "回复时间",
}
_ETA_KINDS: Final = frozenset({Kind.ACCEPTED, Kind.DEPARTED, Kind.STOP, Kind.SOON, Kind.EXCEPTION})
_ELSE: Final = {
    "place": "中转站",
    "cause": "运输出现异常",
    "plan": "我们正在处理",
    "eta": "另行通知的时间",
    "was": "之前告知的时间",
}
"""Instead of a word that is missing where a sentence cannot do without."""


def people_time(there: datetime) -> str:
    """11月22日 15:20, of an instant already on a Chinese wall clock: a mail is read later, so never 今天."""
    return f"{there.month}月{there.day}日 {there:%H:%M}"


def words(kind: Kind, *, waybill: str, params: Mapping[str, str], at: datetime) -> Words:
    """The words of one notice; what is not in `params` is left out, never shown empty. `at` is on a Chinese wall clock."""
    place, eta = params.get("place", ""), params.get("eta", "")
    if kind is Kind.MANY:
        return _many(params)
    known = _ELSE | {key: value for key, value in params.items() if value}
    headline = (
        _WITHOUT_PLACE[kind] if not place and kind in _WITHOUT_PLACE else _HEADLINES[kind].format_map(known)
    )
    subject = _SUBJECTS[kind].format_map(known)
    if eta and kind in _ETA_KINDS:
        headline += f"，预计{eta}送达"
        subject += f"，预计{eta}送达"
    if kind is Kind.SIGNED and params.get("signed_by"):
        headline += f"（{params['signed_by']}）"
    lines = [("运单号", waybill)]
    if kind in _TIME_LABELS:
        lines.append((_TIME_LABELS[kind], people_time(at)))
    lines += [
        (label, params[key]) for label, key in (("线路", "route"), ("件数", "pieces")) if params.get(key)
    ]
    return Words(
        subject=f"运单 {waybill} {subject}"[:SUBJECT_MAX],
        headline=f"{headline}。",
        lines=tuple(lines),
        link=params.get("link", ""),
    )


def many(told: Sequence[tuple[str, str]], *, shown: int) -> dict[str, str]:
    """Params of `Kind.MANY` from (waybill, sentence) of each, oldest first; the newest `shown` are named."""
    waybills = list(dict.fromkeys(waybill for waybill, _ in told))
    more = "" if len(waybills) <= _NAMED_MAX else " 等"
    return {
        "count": str(len(waybills)),
        "list": "、".join(waybills[:_NAMED_MAX]) + more,
        "lines": "\n".join(f"{waybill}\t{sentence}" for waybill, sentence in told[-shown:]),
        "more": str(max(0, len(told) - shown)),
    }


def _many(params: Mapping[str, str]) -> Words:
    headline = f"您有 {params.get('count', '')} 票货物有新进展"
    lines = [tuple(line.partition("\t")[::2]) for line in params.get("lines", "").splitlines()]
    if params.get("more", "0") != "0":
        lines.append(("其余", f"还有 {params['more']} 条，请在查询页查看"))
    return Words(
        subject=headline,
        headline=f"{headline}。",
        lines=tuple((label, sentence) for label, sentence in lines),
        link="",
    )
