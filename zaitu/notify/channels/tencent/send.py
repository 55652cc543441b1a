"""One try to hand one SMS to Tencent Cloud."""

import json
from typing import Final

from django.conf import settings

from zaitu.kernel import clock
from zaitu.notify.channels import exchange, sms
from zaitu.notify.channels.tencent import answers, limits, signing
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel

_ACTION: Final = "SendSms"
_VERSION: Final = "2021-01-11"


class Sender:
    """For all hands of a courier at once."""

    provider = "tencent"

    def __init__(self) -> None:
        self._line = exchange.Exchange(settings.ZAITU_TENCENT_SMS_URL)

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; never raises for what Tencent or the network may do."""
        refused = sms.refusal(parcel.said, parcel.address) or _not_ready()
        if refused:
            return refused
        longest = limits.variable_chars()
        variables, long = sms.fitted(parcel.said, longest)
        if long:
            return sms.too_long(long, longest)
        body = json.dumps(
            {
                "PhoneNumberSet": [sms.e164(parcel.address)],
                "SmsSdkAppId": settings.ZAITU_TENCENT_SMS_APP_ID,
                "SignName": settings.ZAITU_SMS_SIGN,
                "TemplateId": parcel.said.code,
                "TemplateParamSet": [value for _, value in variables],
                "SessionContext": f"{parcel.id}.{parcel.claim}",
            }
        ).encode()
        try:
            reply = self._line.post(self._headers(body), body)
        except exchange.FAILURES as error:
            return exchange.of_error(error)
        return answers.of_reply(reply.status, reply.body)

    def _headers(self, body: bytes) -> dict[str, str]:
        now = clock.now()
        return {
            "content-type": signing.CONTENT_TYPE,
            "x-tc-action": _ACTION,
            "x-tc-version": _VERSION,
            "x-tc-region": settings.ZAITU_TENCENT_SMS_REGION,
            "x-tc-timestamp": str(int(now.timestamp())),
            "authorization": signing.authorization(
                body,
                host=self._line.host,
                service="sms",
                at=now,
                secret_id=settings.ZAITU_TENCENT_SECRET_ID,
                secret_key=settings.ZAITU_TENCENT_SECRET_KEY,
            ),
        }

    def tidy(self) -> None: ...

    def close(self) -> None:
        self._line.close()


def _not_ready() -> Answer | None:
    for name in (
        "ZAITU_TENCENT_SECRET_ID",
        "ZAITU_TENCENT_SECRET_KEY",
        "ZAITU_TENCENT_SMS_APP_ID",
        "ZAITU_SMS_SIGN",
    ):
        if not getattr(settings, name):
            return sms.not_set(name)
    return None
