"""What a staff group's robot is told, and the robots themselves. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, urlsplit

from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.ways import Urgency


class RobotProvider(StrEnum):
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


ROBOT_TEXTS: Final = {
    RobotProvider.WECOM: "企业微信",
    RobotProvider.DINGTALK: "钉钉",
    RobotProvider.FEISHU: "飞书",
}


class AlertKind(StrEnum):
    """What staff are alerted of; a robot may want only some."""

    EXCEPTION = "exception"
    """Something is wrong with goods, a truck or a trip."""
    CUSTOMER = "customer"
    """A customer complains, asks, or waits."""
    CHANNEL = "channel"
    """A way by which people are told does not work."""
    SYSTEM = "system"
    """The software itself needs somebody."""


ALERT_TEXTS: Final = {
    AlertKind.EXCEPTION: "运输异常",
    AlertKind.CUSTOMER: "客户来询",
    AlertKind.CHANNEL: "通知渠道",
    AlertKind.SYSTEM: "系统",
}

ROBOTS_MOST: Final = 20
NAME_MAX: Final = 40
TITLE_MAX: Final = 60
ALERT_TEXT_MAX: Final = 600
"""Characters: in UTF-8 with its title under every provider's limit (WeCom's is 2,048 bytes of text, 4,096 of markdown)."""
_HOSTS: Final = {
    "qyapi.weixin.qq.com": RobotProvider.WECOM,
    "oapi.dingtalk.com": RobotProvider.DINGTALK,
    "open.feishu.cn": RobotProvider.FEISHU,
}
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,100}")
_SIGNED: Final = frozenset({RobotProvider.DINGTALK, RobotProvider.FEISHU})
"""Providers whose robots can ask for a signature."""
_MARKS: Final = str.maketrans("<>[]`*#_\\", "＜＞［］｀＊＃＿＼")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    fact: str
    """Unique id of the fact, at most 100 characters; a robot is told the same fact once."""
    kind: AlertKind
    title: str
    text: str
    at: datetime
    """When it happened; aware, UTC."""
    waybill: str = ""
    link: str = ""
    """Where staff look further, a full address; may be empty."""
    urgency: Urgency = Urgency.USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotDraft:
    name: str
    url: str
    """As the provider shows it, the whole address."""
    secret: str = ""
    """For signatures; empty: the robot asks for none."""
    kinds: frozenset[str] = field(default_factory=frozenset)
    """`AlertKind`s it hears; empty: every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotView:
    id: int
    name: str
    provider: str
    provider_text: str
    kinds: tuple[str, ...]
    """Empty: every kind."""
    signed: bool
    active: bool
    note: str
    """Why it is switched off, or what it answered last; may be empty."""
    paused_until: datetime | None
    created_at: datetime
    last_ok_at: datetime | None


def robot_address(url: str) -> tuple[RobotProvider, str]:
    """(provider, its token) of a robot's address; raises Invalid (field `url`).

    Only the token is kept: we never call an address that somebody has typed.
    """
    try:
        parts = urlsplit(url.strip())
        provider = _HOSTS.get(parts.hostname or "")
        asked = parse_qs(parts.query)
    except ValueError:
        provider = None
    if provider is None or parts.scheme != "https":
        raise _wrong("url", "请粘贴企业微信、钉钉或飞书机器人的完整 Webhook 地址")
    found = {
        RobotProvider.WECOM: asked.get("key", [""])[0] if parts.path == "/cgi-bin/webhook/send" else "",
        RobotProvider.DINGTALK: asked.get("access_token", [""])[0] if parts.path == "/robot/send" else "",
        RobotProvider.FEISHU: parts.path.removeprefix("/open-apis/bot/v2/hook/"),
    }[provider]
    if not _TOKEN.fullmatch(found):
        raise _wrong("url", "地址不完整，请从平台上重新复制")
    return provider, found


def robot_checked(draft: RobotDraft) -> tuple[RobotProvider, str, list[str]]:
    """(provider, token, kinds in their order); raises Invalid."""
    name, secret = draft.name.strip(), draft.secret.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise _wrong("name", f"名称为 1–{NAME_MAX} 个字")
    provider, token = robot_address(draft.url)
    if secret and provider not in _SIGNED:
        raise _wrong("secret", "企业微信机器人没有加签密钥，请留空")
    if len(secret) > 200 or not secret.isascii() or " " in secret:
        raise _wrong("secret", "密钥不正确，请重新复制")
    return provider, token, alert_kinds_checked(draft.kinds)


def alert_kinds_checked(kinds: Iterable[str]) -> list[str]:
    """In the order of `AlertKind`; raises Invalid (field `kinds`) for one that does not exist."""
    chosen = set(kinds)
    if chosen - set(AlertKind):
        raise _wrong("kinds", "没有这种提醒")
    return [kind.value for kind in AlertKind if kind in chosen]


def alert_words(alert: Alert) -> dict[str, str]:
    """What a message keeps of it; raises Invalid without a title."""
    title = _tidy(alert.title)[:TITLE_MAX]
    if not title:
        raise _wrong("title", "提醒没有标题")
    lines = (_tidy(line) for line in alert.text.splitlines())
    text = "\n".join(line for line in lines if line)[:ALERT_TEXT_MAX]
    return {"title": title, "text": text, "link": alert.link[:300]}


def plain(text: str) -> str:
    """Without signs that a robot takes for markdown, a link or a call to everybody: people's words stay words."""
    return text.translate(_MARKS).replace("@", "＠")


def _tidy(line: str) -> str:
    return "".join(c for c in line if c.isprintable()).strip()


def _wrong(name: str, message: str) -> Invalid:
    return Invalid(message, fields={name: message})
