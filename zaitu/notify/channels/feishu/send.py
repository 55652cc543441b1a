"""What is posted to Feishu, and its signature."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from zaitu.notify.channels.feishu import answers, limits
from zaitu.notify.channels.robots import Call, Rate, Words
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel


class Feishu:
    provider = "feishu"
    name = "飞书"
    rates: tuple[Rate, ...] = (Rate(limits.SECOND, 1), Rate(limits.MINUTE, 60))

    def call(self, parcel: Parcel, words: Words, now: datetime) -> Call:
        lines: list[list[dict[str, str]]] = [
            [{"tag": "text", "text": line}] for line in words.text.split("\n") if line
        ]
        if words.link:
            lines.append([{"tag": "a", "text": "查看", "href": words.link}])
        post = {"zh_cn": {"title": words.title, "content": lines or [[{"tag": "text", "text": words.title}]]}}
        body: dict[str, Any] = {"msg_type": "post", "content": {"post": post}}
        if parcel.secret:
            timestamp = str(int(now.timestamp()))
            body = {"timestamp": timestamp, "sign": sign(parcel.secret, timestamp)} | body
        return Call(
            url=f"{settings.ZAITU_FEISHU_URL}/open-apis/bot/v2/hook/{parcel.address}", query={}, body=body
        )

    def answer(self, status: int, reply: Mapping[str, Any]) -> Answer:
        return answers.of_reply(status, reply)


def sign(secret: str, timestamp_s: str) -> str:
    """The secret is part of the key, and nothing is signed: so Feishu wants it."""
    digest = hmac.new(f"{timestamp_s}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
