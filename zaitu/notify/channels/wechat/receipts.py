"""What a pushed message means for us: receipts, acceptances, followers. Pure: a message in, news out."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from zaitu.notify.domain.ways import Receipt

_BLOCKED: Final = "failed:user block"
_SYSTEM: Final = "failed:system failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A subscription message has been delivered, or not."""

    template: str
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one pushed message says."""

    key: str
    """The same when it is told again."""
    openid: str
    at: datetime
    """When it happened; aware, UTC."""
    receipts: tuple[Receipt, ...] = ()
    """Of messages that WeChat has named."""
    sent: tuple[Sent, ...] = ()
    """Of subscription messages, which WeChat may not have named."""
    accepted: tuple[str, ...] = field(default=())
    """Templates that the person has agreed to, once each."""
    refused: tuple[str, ...] = field(default=())
    """Templates that the person does not want."""
    follows: bool | None = None
    """The person has begun or ceased to follow the service account."""


def news(message: dict[str, Any]) -> News:
    """What is no event of ours says nothing. Odd shapes say nothing either: WeChat would only repeat them."""
    at = _instant(message.get("CreateTime"))
    event = str(message.get("Event", "")).lower()
    told: dict[str, Any] = {}
    if event in {"subscribe", "unsubscribe"}:
        told = {"follows": event == "subscribe"}
    elif event == "templatesendjobfinish":
        told = {"receipts": (_template_receipt(message, at),)}
    elif event == "subscribe_msg_popup_event":
        told = {
            "accepted": tuple(_templates(message, "accept")),
            "refused": tuple(_templates(message, "reject")),
        }
    elif event == "subscribe_msg_change_event":
        told = {"refused": tuple(_templates(message, "reject"))}
    elif event == "subscribe_msg_sent_event":
        told = {"sent": tuple(_sent(message, at))}
    return News(key=_key(message), openid=str(message.get("FromUserName", ""))[:64], at=at, **told)


def _key(message: dict[str, Any]) -> str:
    """MsgId where it has one; events have none: who, when and all that it says."""
    if message.get("MsgId"):
        return f"id:{message['MsgId']}"[:60]
    said = json.dumps(message, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:60]


def _instant(text: object) -> datetime:
    """The epoch for what is no time of a message: it is older than anything."""
    try:
        return datetime.fromtimestamp(int(str(text)[:12]), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _template_receipt(message: dict[str, Any], at: datetime) -> Receipt:
    status = " ".join(str(message.get("Status", "")).split()).replace(": ", ":")
    blocked = status == _BLOCKED
    notes = {"success": "已送达", _BLOCKED: "对方已拒收公众号消息", _SYSTEM: "微信投递失败"}
    return Receipt(
        ref=str(message.get("MsgID", ""))[:100],
        delivered=status == "success",
        at=at,
        code=status[:40],
        note=notes.get(status, "没有送达"),
        gone=blocked,
    )


def _entries(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """XML has them in `SubscribeMsg…Event/List`, JSON in `List`; one alone is no list."""
    inside = next(
        (
            value
            for name, value in message.items()
            if name.startswith("SubscribeMsg") and isinstance(value, dict)
        ),
        message,
    )
    found = inside.get("List", [])
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict) and entry.get("TemplateId"):
            yield entry


def _templates(message: dict[str, Any], status: str) -> Iterator[str]:
    for entry in _entries(message):
        if entry.get("SubscribeStatusString") == status:
            yield str(entry["TemplateId"])[:100]


def _sent(message: dict[str, Any], at: datetime) -> Iterator[Sent]:
    for entry in _entries(message):
        code, status = str(entry.get("ErrorCode", "")), str(entry.get("ErrorStatus", ""))
        delivered = code == "0"
        yield Sent(
            template=str(entry["TemplateId"])[:100],
            receipt=Receipt(
                ref=str(entry.get("MsgID", entry.get("MsgId", "")))[:100],
                delivered=delivered,
                at=at,
                code=code[:40],
                note="已送达" if delivered else f"没有送达：{status[:100]}",
            ),
        )
