"""What is posted to DingTalk, and its signature."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from zaitu.notify.channels.dingtalk import answers, limits
from zaitu.notify.channels.robots import Call, Rate, Words
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel


class DingTalk:
    provider = "dingtalk"
    name = "钉钉"
    rates: tuple[Rate, ...] = (Rate(limits.MINUTE, 60),)

    def call(self, parcel: Parcel, words: Words, now: datetime) -> Call:
        parts = [f"### {words.title}", *words.text.split("\n"), f"[查看]({words.link})" if words.link else ""]
        text = "\n\n".join(part for part in parts if part)
        query = {"access_token": parcel.address}
        if parcel.secret:
            timestamp = str(int(now.timestamp() * 1000))
            query |= {"timestamp": timestamp, "sign": sign(parcel.secret, timestamp)}
        return Call(
            url=f"{settings.ZAITU_DINGTALK_URL}/robot/send",
            query=query,
            body={"msgtype": "markdown", "markdown": {"title": words.title, "text": text}},
        )

    def answer(self, status: int, reply: Mapping[str, Any]) -> Answer:
        return answers.of_reply(status, reply)


def sign(secret: str, timestamp_ms: str) -> str:
    digest = hmac.new(secret.encode(), f"{timestamp_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
