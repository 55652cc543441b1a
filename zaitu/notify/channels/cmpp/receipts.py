"""Receipts of CMPP. Pure."""

from datetime import UTC, datetime
from typing import Final

from zaitu.kernel.clock import CHINA
from zaitu.notify.channels.cmpp.codec import Report
from zaitu.notify.domain.ways import Receipt

_UNDERWAY: Final = frozenset({"ACCEPTD", "ENROUTE"})
"""Tell nothing final: another one follows."""
_WORDS: Final = {
    "DELIVRD": "已送达",
    "EXPIRED": "在有效期内没有送达",
    "DELETED": "已被运营商删除",
    "UNDELIV": "无法送达",
    "UNKNOWN": "运营商不知道结果",
    "REJECTD": "被运营商拒绝",
}
_OPERATORS: Final = {
    # Prefixes of operators' own codes, as their manuals group them.
    "MK": "手机不可及（停机、空号或关机）",
    "MI": "交换机报告失败",
    "MA": "短信中心报告失败",
    "MB": "短信中心报告失败",
    "MN": "号码不可发送",
    "CA": "网关报告失败",
    "CB": "网关报告失败",
    "DA": "网关之间转发失败",
    "DB": "网关之间转发失败",
    "IA": "网关报告失败",
    "IB": "网关报告失败",
    "IC": "没有收到运营商的结果",
    "ID": "网关报告失败",
}
_BLACKLISTED: Final = "BLACK"


def receipt(report: Report, now: datetime) -> Receipt | None:
    """None: nothing final. Its time is China's; `now` where it makes no sense."""
    stat = report.stat.strip().upper()
    if stat in _UNDERWAY:
        return None
    gone = _BLACKLISTED in stat
    return Receipt(
        ref=str(report.msg_id),
        delivered=stat == "DELIVRD",
        at=_at(report.done_time, now),
        code=stat,
        note=_note(stat, gone=gone),
        gone=gone,
    )


def _note(stat: str, *, gone: bool) -> str:
    if gone:
        return f"号码在运营商的黑名单中：{stat}"
    return _WORDS.get(stat) or f"{_OPERATORS.get(stat[:2], '未送达')}：{stat}"


def _at(text: str, now: datetime) -> datetime:
    try:
        if len(text) != 10:  # strptime takes shorter ones, and other times then
            return now
        return datetime.strptime(text, "%y%m%d%H%M").replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError:
        return now
