"""Aliyun's side of SendSms, RPC style (API 2017-05-25), with the signature ACS3-HMAC-SHA256 as documented; and its two callbacks."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.notify.sms_server import Asked, SmsServer, Taken
from zaitu.kernel import clock

KEY_ID, SECRET = "LTAI5tTestKeyId", "TestAccessKeySecret0123456789"
TEMPLATES = {
    "SMS_154950909": ("waybill", "place", "eta", "token"),
    "SMS_2": ("waybill", "signed_by"),
    "SMS_3": (),
}
URL = re.compile(r"https?://|www\.", re.IGNORECASE)
AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})"
)


def _signature(asked: Asked, names: list[str]) -> str:
    query = "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in sorted(parse_qsl(urlsplit(asked.target).query, keep_blank_values=True))
    )
    lines = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in names)
    digest = asked.headers["x-acs-content-sha256"]
    canonical = "\n".join(["POST", "/", query, lines, ";".join(names), digest])
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


class Aliyun(SmsServer):
    templates = TEMPLATES

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()

    def refusal(self, asked: Asked) -> str:
        return self.not_signed(asked) or self.not_allowed(dict(parse_qsl(urlsplit(asked.target).query)))

    def not_signed(self, asked: Asked) -> str:
        headers = asked.headers
        given = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if given is None:
            return "IncompleteSignature"
        key_id, signed, signature = given.groups()
        names = signed.split(";")
        must = {"host", *(name for name in headers if name.startswith("x-acs-"))}
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        nonce = headers["x-acs-signature-nonce"]
        rules = (
            ("InvalidAccessKeyId.NotFound", key_id == KEY_ID),
            ("IncompleteSignature", names == sorted(names) and must <= set(names)),
            (
                "SignatureDoesNotMatch",
                headers["x-acs-content-sha256"] == hashlib.sha256(asked.body).hexdigest(),
            ),
            ("SignatureDoesNotMatch", signature == _signature(asked, names)),
            ("InvalidTimeStamp.Expired", abs(clock.now() - at) <= timedelta(minutes=15)),
            ("SignatureNonceUsed", nonce not in self.nonces),
            (
                "InvalidAction.NotFound",
                (headers["x-acs-action"], headers["x-acs-version"]) == ("SendSms", "2017-05-25"),
            ),
        )
        self.nonces.add(nonce)
        return next((code for code, kept in rules if not kept), "")

    def not_allowed(self, given: dict[str, str]) -> str:
        values = json.loads(given.get("TemplateParam", "{}"))
        names = TEMPLATES.get(given.get("TemplateCode", ""))
        rules = (
            ("isv.MOBILE_NUMBER_ILLEGAL", re.fullmatch(r"1[3-9]\d{9}|[2-9]\d{7,14}", given["PhoneNumbers"])),
            ("isv.SMS_SIGNATURE_ILLEGAL", given.get("SignName") in self.signs),
            ("isv.SMS_TEMPLATE_ILLEGAL", names is not None),
            ("isv.INVALID_JSON_PARAM", all(isinstance(value, str) for value in values.values())),
            ("isv.TEMPLATE_MISSING_PARAMETERS", set(names or ()) == set(values)),
            ("isv.PARAM_LENGTH_LIMIT", all(1 <= len(value) <= 35 for value in values.values())),
            ("isv.PARAM_NOT_SUPPORT_URL", not any(URL.search(value) for value in values.values())),
        )
        return next((code for code, kept in rules if not kept), "")

    def error(self, code: str, message: str) -> tuple[int, bytes]:
        # Rules of SMS are answered with 200, the gateway's own with 4xx or 5xx.
        status = 200 if code.startswith(("isv.", "isp.")) else 503 if "Throttling" in code else 400
        return status, json.dumps({"Code": code, "Message": message, "RequestId": "R"}).encode()

    def read(self, asked: Asked, number: str) -> Taken:
        given = dict(parse_qsl(urlsplit(asked.target).query))
        return Taken(
            ref=f"900619746936498440^{number}",
            ours=given.get("OutId", ""),
            number=given["PhoneNumbers"],
            template=given["TemplateCode"],
            values=json.loads(given.get("TemplateParam", "{}")),
            sign=given["SignName"],
        )

    def success(self, taken: Taken) -> Any:
        return {"Code": "OK", "Message": "OK", "BizId": taken.ref, "RequestId": "R"}


def report(taken: Taken, **given: Any) -> dict[str, Any]:
    """One row of SmsReport."""
    return {
        "phone_number": taken.number,
        "send_time": "2026-11-22 15:20:01",
        "report_time": "2026-11-22 15:20:04",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": taken.ref,
        "out_id": taken.ours,
    } | given


def up(number: str, text: str, **given: Any) -> dict[str, Any]:
    """One row of SmsUp."""
    return {
        "dest_code": "5678",
        "send_time": "2026-11-22 15:30:00",
        "sign_name": "顺驰物流",
        "content": text,
        "sequence_id": "20261122153000",
        "phone_number": number,
    } | given
