"""Makers for WeChat's tests."""

from datetime import UTC, datetime
from typing import Any

from zaitu.kernel.crypto import blind_index
from zaitu.notify.channels.wechat.agreed import OPENID
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.saying import Said
from zaitu.notify.domain.ways import Urgency
from zaitu.notify.models import MessageTemplate, SubscriptionCredit

AT = datetime(2026, 11, 22, 7, 20, tzinfo=UTC)
WHO = "otFpruAK8D-E6EfStSYonYSBZ8_4"
TMPL = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"
TEXT = "thing1={place};time2={eta};character_string3={waybill}"
FIELDS = ("thing1", "time2", "character_string3")


def parcel(channel: Channel = Channel.MINI, **given: Any) -> Parcel:
    fields = (
        ("thing1", "武汉中转站"),
        ("time2", "11月23日 15:20–16:00"),
        ("character_string3", "ZT1234567890123"),
    )
    known: dict[str, Any] = {
        "id": "0f" * 16,
        "claim": 1,
        "kind": Kind.DEPARTED,
        "waybill": "ZT1234567890123",
        "person": "contact:1",
        "address": WHO,
        "secret": "",
        "words": {},
        "at": AT,
        "useful_until": AT,
        "attempts": 1,
        "endpoint_id": None,
        "channel": channel,
        "urgency": Urgency.USUAL,
        "said": Said(text="", link="https://t.example.cn/k/Q7mX2kT9", code=TMPL, variables=(), fields=fields),
        "ways_left": False,
    }
    return Parcel(**(known | given))


def credit(left: int, *, channel: Channel = Channel.MINI, openid: str = WHO, template: str = TMPL) -> None:
    SubscriptionCredit.objects.create(
        channel=channel,
        openid=openid,
        openid_index=blind_index(openid, OPENID),
        template=template,
        left=left,
    )


def left() -> int:
    return SubscriptionCredit.objects.get().left


def template(channel: Channel) -> None:
    MessageTemplate.objects.create(
        kind="departed",
        channel=channel,
        language="zh-hans",
        text=TEXT,
        code=TMPL,
        changed_at=AT,
        changed_by="tests",
    )
