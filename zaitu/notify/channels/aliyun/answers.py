"""What Aliyun's reply means. Pure: status and body in, an Answer out."""

import json
from dataclasses import replace
from typing import Any, Final

from zaitu.notify.channels.sms import Meaning, meanings
from zaitu.notify.domain.delivery import Answer, Verdict

_ACCOUNT: Final = Meaning(verdict=Verdict.PAUSE, note="阿里云账号停用、欠费或无权发短信")
_QUOTA: Final = Meaning(verdict=Verdict.PAUSE, note="阿里云账号的短信发送额度已用完")
_KEY: Final = Meaning(verdict=Verdict.PAUSE, note="阿里云不接受访问密钥，或本机时间不准")
_SIGN: Final = Meaning(verdict=Verdict.PAUSE, note="阿里云没有批准短信签名")
_TEMPLATE: Final = Meaning(verdict=Verdict.NEVER, note="阿里云不接受短信模板或变量")
_CONTENT: Final = Meaning(verdict=Verdict.NEVER, note="阿里云不接受短信内容")
_NUMBER: Final = Meaning(verdict=Verdict.NEVER, note="阿里云不接受这个号码")
_BLOCKED: Final = Meaning(verdict=Verdict.NEVER, note="这个号码不接收短信", gone=True)
_BUSY: Final = Meaning(verdict=Verdict.PAUSE, note="阿里云请求太多，稍后再发")
_THEIRS: Final = Meaning(verdict=Verdict.RETRY, note="阿里云内部出错")
_ASKED_WRONGLY: Final = Meaning(verdict=Verdict.NEVER, note="阿里云不接受这条短信")

CODES: Final = meanings(
    (
        _ACCOUNT,
        (
            "isv.OUT_OF_SERVICE",
            "isv.AMOUNT_NOT_ENOUGH",
            "isv.ACCOUNT_NOT_EXISTS",
            "isv.ACCOUNT_ABNORMAL",
            "isv.PRODUCT_UN_SUBSCRIPT",
            "isv.PRODUCT_UNSUBSCRIBE",
            "isv.DENY_IP_RANGE",
            "isp.RAM_PERMISSION_DENY",
            "Forbidden.RAM",
            "NoPermission",
        ),
    ),
    (_QUOTA, ("isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL")),
    (
        _KEY,
        (
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "InvalidTimeStamp.Expired",
            "IllegalTimestamp",
            "InvalidAccessKeyId.NotFound",
            "InvalidAccessKeyId.Inactive",
            "MissingAccessKeyId",
        ),
    ),
    (
        _SIGN,
        (
            "isv.SMS_SIGNATURE_ILLEGAL",
            "isv.SMS_SIGN_ILLEGAL",
            "isv.SIGN_NAME_ILLEGAL",
            "isv.SIGN_STATE_ILLEGAL",
            "SIGNATURE_BLACKLIST",
        ),
    ),
    (
        _TEMPLATE,
        (
            "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
            "isv.SMS_TEMPLATE_ILLEGAL",
            "isv.TEMPLATE_MISSING_PARAMETERS",
            "isv.TEMPLATE_PARAMS_ILLEGAL",
            "isv.INVALID_JSON_PARAM",
            "isv.PARAM_LENGTH_LIMIT",
            "isv.PARAM_NOT_SUPPORT_URL",
        ),
    ),
    (_CONTENT, ("isv.SMS_CONTENT_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.UNSUPPORTED_CONTENT")),
    (
        _NUMBER,
        (
            "isv.MOBILE_NUMBER_ILLEGAL",
            "isv.MOBILE_COUNT_OVER_LIMIT",
            "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        ),
    ),
    (_BLOCKED, ("isv.MOBILE_IN_BLACK", "isv.BLACK_LIST")),
    (_BUSY, ("Throttling", "Throttling.User", "Throttling.Api", "ServiceUnavailable")),
    (
        _THEIRS,
        ("isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "InternalError", "UnknownError", "SignatureNonceUsed"),
    ),
    (_ASKED_WRONGLY, ("isv.EXTEND_CODE_ERROR", "isv.INVALID_PARAMETERS")),
)
"""Every documented code but OK and isv.BUSINESS_LIMIT_CONTROL, which has three meanings; and what blacklisted numbers would be called."""

_LIMITS: Final = (
    ("分钟", Meaning(verdict=Verdict.RETRY, note="这个号码一分钟内的短信太多", wait_s=60)),
    ("小时", Meaning(verdict=Verdict.RETRY, note="这个号码一小时内的短信太多", wait_s=3600)),
    ("天", Meaning(verdict=Verdict.NEVER, note="这个号码今天的短信已到上限")),
)
_LIMIT: Final = Meaning(verdict=Verdict.RETRY, note="这个号码的短信太多", wait_s=300)


def of_reply(status: int, body: bytes) -> Answer:
    """`ref` stays empty: what names the message is the OutId we sent."""
    try:
        document: Any = json.loads(body)
        code, said = str(document["Code"]), str(document.get("Message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _without_a_code(status)
    if code == "OK":
        number = str(document.get("BizId", ""))[:60]
        return Answer(verdict=Verdict.TAKEN, code=status, reason=code, note=f"阿里云已接收：流水号 {number}")
    return replace(meaning_of(code, said).answer(code, said), code=status)


def meaning_of(code: str, said: str) -> Meaning:
    """A code that is in no document: `isv.` blames the message, so another way is tried; all else may mend itself."""
    if code == "isv.BUSINESS_LIMIT_CONTROL":
        return next((meaning for word, meaning in _LIMITS if word in said), _LIMIT)
    if code.startswith("Throttling"):
        return _BUSY
    return CODES.get(code) or (_ASKED_WRONGLY if code.startswith("isv.") else _THEIRS)


def _without_a_code(status: int) -> Answer:
    """Some other program answered: a proxy, a gateway that is down."""
    if status in {429, 502, 503, 504}:
        return Answer(
            verdict=Verdict.PAUSE, rests=True, code=status, note=f"阿里云暂时不可用（HTTP {status}）"
        )
    return Answer(verdict=Verdict.RETRY, rests=True, code=status, note=f"阿里云的应答看不懂（HTTP {status}）")
