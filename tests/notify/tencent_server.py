"""Tencent Cloud's side of SendSms (API 2021-01-11), with the signature TC3-HMAC-SHA256 as documented; and its two callbacks."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any

from tests.notify.sms_server import Asked, SmsServer, Taken
from zaitu.kernel import clock

SECRET_ID, SECRET_KEY, APP_ID = "AKIDTestSecretId", "TestSecretKey0123456789", "1400006666"
TEMPLATES = {"1110": 4, "2": 2, "3": 0}
"""ID → how many variables."""
LONGEST = 20
URL = re.compile(r"https?://|www\.|\.(?:cn|com)\b", re.IGNORECASE)
AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/(\w+)/tc3_request, "
    r"SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})"
)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _signature(asked: Asked, day: str, service: str, signed: str) -> str:
    headers = asked.headers
    lines = "".join(f"{name}:{headers[name]}\n" for name in signed.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(asked.body).hexdigest()}"
    scope, digest = f"{day}/{service}/tc3_request", hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["TC3-HMAC-SHA256", headers["x-tc-timestamp"], scope, digest])
    key = _hmac(_hmac(_hmac(f"TC3{SECRET_KEY}".encode(), day), service), "tc3_request")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Tencent(SmsServer):
    templates = TEMPLATES

    def refusal(self, asked: Asked) -> str:
        return self.not_signed(asked) or self.not_allowed(json.loads(asked.body))

    def not_signed(self, asked: Asked) -> str:
        headers = asked.headers
        given = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if given is None:
            return "AuthFailure.SignatureFailure"
        secret_id, day, service, signed, signature = given.groups()
        moment = int(headers["x-tc-timestamp"])
        today = datetime.fromtimestamp(moment, UTC).date().isoformat()
        rules = (
            ("AuthFailure.SecretIdNotFound", secret_id == SECRET_ID),
            ("AuthFailure.SignatureExpire", abs(clock.now().timestamp() - moment) <= 300),
            ("AuthFailure.SignatureFailure", (day, service) == (today, "sms")),
            ("AuthFailure.SignatureFailure", {"content-type", "host"} <= set(signed.split(";"))),
            ("AuthFailure.SignatureFailure", signature == _signature(asked, day, service, signed)),
            (
                "InvalidParameter",
                (headers["x-tc-action"], headers["x-tc-version"]) == ("SendSms", "2021-01-11"),
            ),
            ("MissingParameter", headers.get("x-tc-region")),
        )
        return next((code for code, kept in rules if not kept), "")

    def not_allowed(self, given: dict[str, Any]) -> str:
        numbers, values = given["PhoneNumberSet"], given["TemplateParamSet"]
        rules = (
            (
                "InvalidParameterValue.IncorrectPhoneNumber",
                re.fullmatch(r"\+86\d{11}|\+(?!86)\d{8,15}", numbers[0]),
            ),
            ("LimitExceeded.PhoneNumberCountLimit", len(numbers) <= 200),
            ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", given["SmsSdkAppId"] == APP_ID),
            ("FailedOperation.SignatureIncorrectOrUnapproved", given["SignName"] in self.signs),
            ("FailedOperation.TemplateIncorrectOrUnapproved", given["TemplateId"] in TEMPLATES),
            (
                "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
                len(values) == TEMPLATES.get(given["TemplateId"]),
            ),
            (
                "InvalidParameterValue.TemplateParameterLengthLimit",
                all(1 <= len(value) <= LONGEST for value in values),
            ),
            (
                "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
                not any(URL.search(value) for value in values),
            ),
        )
        return next((code for code, kept in rules if not kept), "")

    def error(self, code: str, message: str) -> tuple[int, bytes]:
        """Rules of SMS are told of the number, all else of the whole request; the status is always 200."""
        whole = (
            "AuthFailure",
            "InternalError",
            "RequestLimitExceeded",
            "UnauthorizedOperation",
            "MissingParameter",
        )
        if code.startswith(whole) or code in {"InvalidParameter", "UnsupportedOperation"}:
            answer: Any = {"Error": {"Code": code, "Message": message}, "RequestId": "R"}
        else:
            answer = {"SendStatusSet": [self._status("", "", code, message)], "RequestId": "R"}
        return 200, json.dumps({"Response": answer}).encode()

    def read(self, asked: Asked, number: str) -> Taken:
        given = json.loads(asked.body)
        return Taken(
            ref=f"5000:1045710669157053657849{number}",
            ours=given.get("SessionContext", ""),
            number=given["PhoneNumberSet"][0],
            template=given["TemplateId"],
            values=given["TemplateParamSet"],
            sign=given["SignName"],
        )

    def success(self, taken: Taken) -> Any:
        return {
            "Response": {
                "SendStatusSet": [self._status(taken.ref, taken.number, "Ok", "send success") | {"Fee": 2}],
                "RequestId": "R",
            }
        }

    @staticmethod
    def _status(ref: str, number: str, code: str, message: str) -> dict[str, Any]:
        return {
            "SerialNo": ref,
            "PhoneNumber": number,
            "Fee": 0,
            "SessionContext": "",
            "Code": code,
            "Message": message,
            "IsoCode": "CN",
        }


def report(taken: Taken, **given: Any) -> dict[str, Any]:
    """One row of a status callback."""
    return {
        "user_receive_time": "2026-11-22 15:20:04",
        "nationcode": "86",
        "mobile": taken.number.removeprefix("+86"),
        "report_status": "SUCCESS",
        "errmsg": "DELIVRD",
        "description": "用户短信送达成功",
        "sid": taken.ref,
    } | given


def up(number: str, text: str, **given: Any) -> dict[str, Any]:
    """A reply callback: one object."""
    return {
        "extend": "",
        "mobile": number,
        "nationcode": "86",
        "sign": "顺驰物流",
        "text": text,
        "time": 1795332600,
    } | given
