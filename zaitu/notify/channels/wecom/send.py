"""What is posted to WeCom."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from zaitu.notify.channels.robots import Call, Rate, Words
from zaitu.notify.channels.wecom import answers, limits
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel


class WeCom:
    provider = "wecom"
    name = "企业微信"
    rates: tuple[Rate, ...] = (Rate(limits.MINUTE, 60),)

    def call(self, parcel: Parcel, words: Words, now: datetime) -> Call:
        parts = [f"**{words.title}**", words.text, f"[查看]({words.link})" if words.link else ""]
        text = "\n".join(part for part in parts if part)
        return Call(
            url=f"{settings.ZAITU_WECOM_URL}/cgi-bin/webhook/send",
            query={"key": parcel.address},
            body={"msgtype": "markdown", "markdown": {"content": text}},
        )

    def answer(self, status: int, reply: Mapping[str, Any]) -> Answer:
        return answers.of_reply(status, reply)
