"""What Tencent Cloud's reply means. Pure: status and body in, an Answer out. Codes: the SDK's errorcodes.py, 3.1.153."""

import json
from dataclasses import replace
from typing import Any, Final

from zaitu.notify.channels.sms import Meaning, meanings
from zaitu.notify.domain.delivery import Answer, Verdict

_ACCOUNT: Final = Meaning(verdict=Verdict.PAUSE, note="腾讯云账号停用、欠费或无权发短信")
_QUOTA: Final = Meaning(verdict=Verdict.PAUSE, note="腾讯云账号的短信发送额度已用完")
_KEY: Final = Meaning(verdict=Verdict.PAUSE, note="腾讯云不接受访问密钥，或本机时间不准")
_SIGN: Final = Meaning(verdict=Verdict.PAUSE, note="腾讯云没有批准短信签名")
_TEMPLATE: Final = Meaning(verdict=Verdict.NEVER, note="腾讯云不接受短信模板或变量")
_CONTENT: Final = Meaning(verdict=Verdict.NEVER, note="腾讯云不接受短信内容")
_NUMBER: Final = Meaning(verdict=Verdict.NEVER, note="腾讯云不接受这个号码")
_BLOCKED: Final = Meaning(verdict=Verdict.NEVER, note="这个号码已退订或不接收短信", gone=True)
_BUSY: Final = Meaning(verdict=Verdict.PAUSE, note="腾讯云请求太多，稍后再发")
_THEIRS: Final = Meaning(verdict=Verdict.RETRY, note="腾讯云内部出错")
_NIGHT: Final = Meaning(verdict=Verdict.RETRY, note="营销短信只能在 8 点到 22 点发送", wait_s=3600)
_ASKED_WRONGLY: Final = Meaning(verdict=Verdict.NEVER, note="腾讯云不接受这条短信")


def _often(verdict: Verdict, how: str, wait_s: int | None = None) -> Meaning:
    return Meaning(verdict=verdict, note=f"这个号码{how}", wait_s=wait_s)


CODES: Final = meanings(
    (
        _ACCOUNT,
        (
            "FailedOperation.InsufficientBalanceInSmsPackage",
            "FailedOperation.NotEnterpriseCertification",
            "FailedOperation.ProhibitSubAccountUse",
            "InvalidParameter.AppidAndBizId",
            "InvalidParameterValue.SdkAppIdNotExist",
            "UnauthorizedOperation",
            "UnauthorizedOperation.RequestIpNotInWhitelist",
            "UnauthorizedOperation.RequestPermissionDeny",
            "UnauthorizedOperation.SdkAppIdIsDisabled",
            "UnauthorizedOperation.ServiceSuspendDueToArrears",
            "UnauthorizedOperation.SmsSdkAppIdVerifyFail",
        ),
    ),
    (
        _QUOTA,
        (
            "LimitExceeded.AppDailyLimit",
            "LimitExceeded.AppMainlandChinaDailyLimit",
            "LimitExceeded.AppGlobalDailyLimit",
            "LimitExceeded.AppCountryOrRegionDailyLimit",
            "LimitExceeded.DailyLimit",
        ),
    ),
    (
        _KEY,
        (
            "AuthFailure.SignatureFailure",
            "AuthFailure.SignatureExpire",
            "AuthFailure.SecretIdNotFound",
            "AuthFailure.InvalidSecretId",
            "AuthFailure.TokenFailure",
            "AuthFailure.UnauthorizedOperation",
            "InternalError.RequestTimeException",
            "InternalError.SigFieldMissing",
            "InternalError.SigVerificationFail",
        ),
    ),
    (
        _SIGN,
        (
            "FailedOperation.SignatureIncorrectOrUnapproved",
            "FailedOperation.MissingSignature",
            "FailedOperation.MissingSignatureList",
        ),
    ),
    (
        _TEMPLATE,
        (
            "FailedOperation.TemplateIncorrectOrUnapproved",
            "FailedOperation.TemplateUnapprovedOrNotExist",
            "FailedOperation.TemplateIdNotExist",
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
            "FailedOperation.MissingTemplateList",
            "InvalidParameterValue.TemplateParameterFormatError",
            "InvalidParameterValue.TemplateParameterLengthLimit",
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
            "InvalidParameterValue.UnsupportedTemplateVariable",
            "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny",
            "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
            "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone",
        ),
    ),
    (
        _CONTENT,
        (
            "FailedOperation.ContainSensitiveWord",
            "InvalidParameter.DirtyWordFound",
            "InvalidParameterValue.ContentLengthLimit",
            "InvalidParameterValue.TemplateWithDirtyWords",
        ),
    ),
    (
        _NUMBER,
        (
            "FailedOperation.PhoneNumberParseFail",
            "InvalidParameterValue.IncorrectPhoneNumber",
            "LimitExceeded.AppCountryOrRegionInBlacklist",
            "LimitExceeded.PhoneNumberCountLimit",
            "MissingParameter.EmptyPhoneNumberSet",
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
            "UnsupportedOperation.ContainDomesticPhoneNumber",
            "UnsupportedOperation.UnsupportedRegion",
        ),
    ),
    (_BLOCKED, ("FailedOperation.PhoneNumberInBlacklist",)),
    (_BUSY, ("RequestLimitExceeded", "LimitExceeded.GlobalSmsSendingRateLimit")),
    (_NIGHT, ("FailedOperation.MarketingSendTimeConstraint",)),
    (
        _often(Verdict.RETRY, "三十秒内的短信太多", 30),
        ("LimitExceeded.PhoneNumberThirtySecondLimit",),
    ),
    (_often(Verdict.RETRY, "一小时内的短信太多", 3600), ("LimitExceeded.PhoneNumberOneHourLimit",)),
    (_often(Verdict.RETRY, "的短信太多", 60), ("LimitExceeded.DeliveryFrequencyLimit",)),
    (_often(Verdict.NEVER, "今天的短信已到上限"), ("LimitExceeded.PhoneNumberDailyLimit",)),
    (
        _often(Verdict.NEVER, "今天已收到过同样的短信"),
        ("LimitExceeded.PhoneNumberSameContentDailyLimit",),
    ),
    (
        _THEIRS,
        (
            "InternalError",
            "InternalError.JsonParseFail",
            "InternalError.OtherError",
            "InternalError.ParseBackendResponseFail",
            "InternalError.RestApiInterfaceNotExist",
            "InternalError.SendAndRecvFail",
            "InternalError.Timeout",
            "InternalError.UnknownError",
            "FailedOperation.OtherError",
        ),
    ),
    (
        _ASKED_WRONGLY,
        (
            "FailedOperation.FailResolvePacket",
            "FailedOperation.JsonParseFail",
            "FailedOperation.ParametersOtherError",
            "InvalidParameter",
            "InvalidParameter.InvalidParameters",
            "MissingParameter",
            "UnsupportedOperation",
        ),
    ),
)
"""Every code that SendSms may answer by the SDK's documents."""

_FAMILIES: Final = (
    ("AuthFailure", _KEY),
    ("UnauthorizedOperation", _ACCOUNT),
    ("RequestLimitExceeded", _BUSY),
    ("InternalError", _THEIRS),
    ("ResourceUnavailable", _THEIRS),
)


def of_reply(status: int, body: bytes) -> Answer:
    """The one number's result, or the error of the whole request."""
    try:
        document: Any = json.loads(body)["Response"]
        told = document["Error"] if "Error" in document else document["SendStatusSet"][0]
        code, said = str(told["Code"]), str(told.get("Message", ""))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return _without_a_code(status)
    if code.lower() == "ok":
        ref, parts = str(told.get("SerialNo", ""))[:100], _whole(told.get("Fee"))
        note = f"腾讯云已接收：流水号 {ref}"
        return Answer(verdict=Verdict.TAKEN, code=status, reason=code, note=note, ref=ref, parts=parts)
    return replace(meaning_of(code).answer(code, said), code=status)


def meaning_of(code: str) -> Meaning:
    """A code that is in no document is judged by its family; what blames the message lets another way be tried."""
    known = CODES.get(code)
    if known:
        return known
    family = code.partition(".")[0]
    return next((meaning for name, meaning in _FAMILIES if family == name), _ASKED_WRONGLY)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 100 else 1


def _without_a_code(status: int) -> Answer:
    """Some other program answered: a proxy, a gateway that is down."""
    if status in {429, 502, 503, 504}:
        return Answer(
            verdict=Verdict.PAUSE, rests=True, code=status, note=f"腾讯云暂时不可用（HTTP {status}）"
        )
    return Answer(verdict=Verdict.RETRY, rests=True, code=status, note=f"腾讯云的应答看不懂（HTTP {status}）")
