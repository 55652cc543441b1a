"""A provider of SMS, its contract server, and how it is set up: tests that are true of each take it as a fixture."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.notify import aliyun_server, make, tencent_server
from tests.notify.sms_server import SmsServer, Taken
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.saying import Said
from zaitu.notify.domain.ways import Urgency
from zaitu.notify.services.callbacks import callback_token

PHONE = "13800005678"
TOKEN = "Q7mX2kT9vLbR4cHs"
TEXT = "您的货物{waybill}已从{place}发车，预计{eta}送达。查询：https://t.example.cn/k/{token}"
LINK = f"https://t.example.cn/t/ZT1?k={TOKEN}"


@dataclass(frozen=True)
class Case:
    provider: str
    server: Callable[[], SmsServer]
    settings: Mapping[str, Any]
    code: str
    """A template that takes `TEXT`'s variables."""
    number: str
    """`PHONE` as this provider is given it."""
    report: Callable[..., dict[str, Any]]
    failed: Mapping[str, Any]
    """What makes a row of `report` one that was not delivered."""
    blacklisted: Mapping[str, Any]
    up: Callable[..., dict[str, Any]]
    up_renamed: Mapping[str, Any]
    """What makes `up` another message."""
    blocked: str
    """Code by which a number is refused for good."""
    twice_at_once: str
    """Code by which a number is told to wait."""


CASES = {
    "aliyun": Case(
        provider="aliyun",
        server=aliyun_server.Aliyun,
        settings={
            "ZAITU_ALIYUN_ACCESS_KEY_ID": aliyun_server.KEY_ID,
            "ZAITU_ALIYUN_ACCESS_KEY_SECRET": aliyun_server.SECRET,
        },
        code="SMS_154950909",
        number=PHONE,
        report=aliyun_server.report,
        failed={"success": False, "err_code": "MOBILE_NOT_ON_SERVICE", "err_msg": "停机"},
        blacklisted={"success": False, "err_code": "MOBILE_IN_BLACK", "err_msg": "黑名单"},
        up=aliyun_server.up,
        up_renamed={"sequence_id": "20261122153001"},
        blocked="isv.MOBILE_IN_BLACK",
        twice_at_once="isv.BUSINESS_LIMIT_CONTROL",
    ),
    "tencent": Case(
        provider="tencent",
        server=tencent_server.Tencent,
        settings={
            "ZAITU_TENCENT_SECRET_ID": tencent_server.SECRET_ID,
            "ZAITU_TENCENT_SECRET_KEY": tencent_server.SECRET_KEY,
            "ZAITU_TENCENT_SMS_APP_ID": tencent_server.APP_ID,
            "ZAITU_TENCENT_SMS_VARIABLE_CHARS": tencent_server.LONGEST,
        },
        code="1110",
        number=f"+86{PHONE}",
        report=tencent_server.report,
        failed={"report_status": "FAIL", "errmsg": "MK:0001", "description": "停机"},
        blacklisted={"report_status": "FAIL", "errmsg": "MBBLACK", "description": "命中免打扰名单"},
        up=tencent_server.up,
        up_renamed={"time": 1795332601},
        blocked="FailedOperation.PhoneNumberInBlacklist",
        twice_at_once="LimitExceeded.PhoneNumberThirtySecondLimit",
    ),
}


def url_setting(case: Case) -> str:
    return f"ZAITU_{case.provider.upper()}_SMS_URL"


def parcel(case: Case, **given: Any) -> Parcel:
    said = Said(
        text="…",
        link="",
        code=case.code,
        variables=(
            ("waybill", "ZT3817460293559"),
            ("place", "武汉中转站"),
            ("eta", "今天 15:20–16:00"),
            ("token", TOKEN),
        ),
    )
    known: dict[str, Any] = {
        "id": "0f8fad5bd9cb469fa16570867728950e",
        "claim": 1,
        "kind": Kind.DEPARTED,
        "waybill": "ZT3817460293559",
        "person": "contact:1",
        "address": PHONE,
        "secret": "",
        "words": {},
        "at": make.AT,
        "useful_until": make.AT,
        "attempts": 1,
        "endpoint_id": None,
        "channel": Channel.SMS,
        "urgency": Urgency.USUAL,
        "said": said,
        "ways_left": False,
    }
    return Parcel(**(known | given))


def tell(*, person: str = "contact:1", phone: str = PHONE, email: str = "", **given: Any) -> None:
    to = notify.Recipient(person=person, phone=phone, email=email)
    words = {"place": "武汉中转站", "eta": "今天 15:20–16:00", "link": LINK}
    notify.tell(actor=make.SYSTEM, notice=make.notice(**({"to": (to,), "params": words} | given)))


def call_back(case: Case, rows: Any) -> notify.Taken:
    """As the provider does at our door."""
    call = notify.Call(method="POST", query={}, headers={}, body=json.dumps(rows).encode(), at=clock.now())
    return notify.callback_take(provider=case.provider, token=callback_token(case.provider), call=call)


def reported(case: Case, taken: Taken, **given: Any) -> notify.Taken:
    return call_back(case, [case.report(taken, **given)])
