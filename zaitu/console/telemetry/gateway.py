"""The gateways' numbers as they are now. The browser asks every two seconds and makes rates and curves of them; nothing is kept here."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from zaitu.console.door import StaffRequest, show, staff
from zaitu.kernel import clock, metrics
from zaitu.kernel.metrics import Metric
from zaitu.kernel.principal import Right

EVERY_S: Final = 2
KEPT_S: Final = 15 * 60


@require_safe
@staff(Right.GATEWAY_READ)
def gateway(request: StaffRequest) -> HttpResponse:
    context = {"charts": _charts(), "words": _words(), "every_s": EVERY_S, "kept_s": KEPT_S}
    return show(request, "console/telemetry/gateway.html", context)


@require_safe
@staff(Right.GATEWAY_READ)
def numbers(request: StaffRequest) -> JsonResponse:
    """Sums over all processes since each began.

    `counters`: by series, counting up, from anew when processes start; `levels`: as they are; `ack`: `[[upper bound in s or null, count up to it], …]`.
    """
    known = metrics.families()
    counters = {
        **{f"positions.{one}": value for one, value in _by(known, "zaitu_positions", "outcome").items()},
        **{f"bad.{one}": value for one, value in _by(known, "zaitu_jt808_bad_frames", "code").items()},
        **{f"closed.{one}": value for one, value in _by(known, "zaitu_jt808_closed", "why").items()},
        "frames": sum(_by(known, "zaitu_jt808_frames", "msg_id").values()),
        "facts": _sum(known, "zaitu_telemetry_facts"),
        "retries": _sum(known, "zaitu_telemetry_retries"),
        "dropped": _sum(known, "zaitu_bus_dropped"),
    }
    levels = {
        "connections": _sum(known, "zaitu_jt808_sessions"),
        "terminals": _sum(known, "zaitu_jt808_terminals"),
        "waiting": _sum(known, "zaitu_outbox_rows"),
        "lag_s": _sum(known, "zaitu_outbox_oldest_s"),
    }
    ack = sorted(
        _by(known, "zaitu_jt808_ack_s", "le", suffix="_bucket").items(), key=lambda one: float(one[0])
    )
    return JsonResponse(
        {
            "at": clock.now().isoformat(),
            "counters": counters,
            "levels": levels,
            "ack": [[None if bound == "+Inf" else float(bound), count] for bound, count in ack],
        }
    )


def _by(known: Mapping[str, Metric], name: str, label: str, *, suffix: str | None = None) -> dict[str, float]:
    """Values by a label; gauges have no suffix, counters `_total`."""
    found: dict[str, float] = {}
    if name in known:
        for sample in known[name].samples:
            wanted = suffix or ("_total" if known[name].type == "counter" else "")
            if sample.name == f"{name}{wanted}":
                key = sample.labels.get(label, "")
                found[key] = found.get(key, 0.0) + sample.value
    return found


def _sum(known: Mapping[str, Metric], name: str) -> float:
    return sum(_by(known, name, "").values())


def _charts() -> list[dict[str, Any]]:
    """Each with its series: (key in the numbers, name); `rate` makes a rate of a counter, `family` shows all series of a prefix."""
    return [
        {
            "id": "positions",
            "title": _("收到的位置"),
            "unit": _("条/秒"),
            "rate": True,
            "series": [
                ["positions.stored", _("已存")],
                ["positions.duplicate", _("重复")],
                ["positions.quarantined", _("隔离")],
            ],
        },
        {
            "id": "ack",
            "title": _("应答耗时"),
            "unit": _("毫秒"),
            "series": [["p50", _("中位数")], ["p99", _("99% 以内")]],
        },
        {
            "id": "connections",
            "title": _("连接"),
            "unit": _("个"),
            "series": [["connections", _("连接")], ["terminals", _("已鉴权终端")]],
        },
        {
            "id": "facts",
            "title": _("判定与重试"),
            "unit": _("次/秒"),
            "rate": True,
            "series": [
                ["facts", _("判定出的事件")],
                ["retries", _("数据库重试")],
                ["dropped", _("丢弃的实时消息")],
            ],
        },
        {
            "id": "outbox",
            "title": _("等待处理的事件"),
            "unit": _("秒"),
            "series": [["lag_s", _("最久等待")]],
        },
        {
            "id": "bad",
            "title": _("无法解析的报文"),
            "unit": _("个/秒"),
            "rate": True,
            "family": "bad.",
            "series": [],
        },
        {
            "id": "closed",
            "title": _("网关断开的连接"),
            "unit": _("个/秒"),
            "rate": True,
            "family": "closed.",
            "series": [],
        },
    ]


def _words() -> dict[str, str]:
    return {
        "live": _("实时"),
        "lost": _("没有取到，稍后再试"),
        "none": _("没有"),
        "now": _("现在"),
        "average": _("平均"),
        "highest": _("最高"),
        "series": _("项目"),
        "bad.bad_checksum": _("校验和不对"),
        "bad.too_short": _("太短"),
        "bad.too_long": _("太长"),
        "bad.bad_length": _("长度不符"),
        "bad.bad_escape": _("转义错误"),
        "bad.rsa_encrypted": _("加密的帧"),
        "bad.unknown_encryption": _("不认识的加密方式"),
        "bad.short_body": _("内容不完整"),
        "bad.bad_package": _("分包序号不对"),
        "bad.delimiter_inside": _("帧内有分隔符"),
        "bad.empty": _("空帧"),
        "bad.bad_digits": _("数字不对"),
        "bad.bad_text": _("文字报文不对"),
        "bad.short_text": _("文字报文不完整"),
        "bad.not_hex": _("不是十六进制"),
        "bad.not_elock": _("不是电子锁报文"),
        "closed.idle": _("太久没有数据"),
        "closed.unauthenticated": _("没有按时鉴权"),
        "closed.half_frame": _("一帧发不完"),
        "closed.unread": _("终端不读应答"),
        "closed.bad_frames": _("连续读不懂"),
        "closed.junk": _("不是 808 设备"),
        "closed.full": _("连接已满"),
        "closed.flood": _("来得太快"),
        "closed.failed": _("网关出错"),
        "closed.refused": _("多次被拒"),
        "closed.logout": _("终端注销"),
        "closed.taken_over": _("终端换了连接"),
        "closed.shutdown": _("网关停机"),
    }
