"""One try to hand one SMS to Aliyun."""

import json
import uuid
from dataclasses import replace
from typing import Final

from django.conf import settings

from zaitu.kernel import clock
from zaitu.notify.channels import exchange, sms
from zaitu.notify.channels.aliyun import answers, limits, signing
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel

_ACTION: Final = "SendSms"
_VERSION: Final = "2017-05-25"


class Sender:
    """For all hands of a courier at once."""

    provider = "aliyun"

    def __init__(self) -> None:
        self._line = exchange.Exchange(settings.ZAITU_ALIYUN_SMS_URL)

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; never raises for what Aliyun or the network may do."""
        refused = sms.refusal(parcel.said, parcel.address) or _not_ready()
        if refused:
            return refused
        variables, long = sms.fitted(parcel.said, limits.VARIABLE_CHARS)
        if long:
            return sms.too_long(long, limits.VARIABLE_CHARS)
        ref = out_id(parcel)
        query = signing.query_of(
            {
                "PhoneNumbers": sms.e164(parcel.address).removeprefix("+86").removeprefix("+"),
                "SignName": settings.ZAITU_SMS_SIGN,
                "TemplateCode": parcel.said.code,
                "OutId": ref,
            }
            | ({"TemplateParam": json.dumps(dict(variables), ensure_ascii=False)} if variables else {})
        )
        try:
            reply = self._line.post(self._headers(query), query=query)
        except exchange.FAILURES as error:
            # Its receipt may come although no answer did: it names the OutId too.
            return replace(exchange.of_error(error), ref=ref)
        return replace(answers.of_reply(reply.status, reply.body), ref=ref)

    def _headers(self, query: str) -> dict[str, str]:
        signed = signing.headers_of(
            _ACTION, host=self._line.host, version=_VERSION, nonce=uuid.uuid4().hex, at=clock.now()
        )
        key_id, secret = settings.ZAITU_ALIYUN_ACCESS_KEY_ID, settings.ZAITU_ALIYUN_ACCESS_KEY_SECRET
        return signed | {
            "authorization": signing.authorization(query, signed, key_id=key_id, secret=secret),
            "accept": "application/json",
        }

    def tidy(self) -> None: ...

    def close(self) -> None:
        self._line.close()


def out_id(parcel: Parcel) -> str:
    """What we call this try; Aliyun repeats it in the receipt."""
    return f"{parcel.id}.{parcel.claim}"


def _not_ready() -> Answer | None:
    for name in ("ZAITU_ALIYUN_ACCESS_KEY_ID", "ZAITU_ALIYUN_ACCESS_KEY_SECRET", "ZAITU_SMS_SIGN"):
        if not getattr(settings, name):
            return sms.not_set(name)
    return None
