"""Every code that a provider documents, over a real socket: what it means for the message, the way and the person."""

import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notify.aliyun_server import Aliyun
from tests.notify.sms_cases import CASES, PHONE, TOKEN, parcel, url_setting
from tests.notify.sms_server import Say, SmsServer, running
from tests.notify.tencent_server import Tencent
from zaitu.notify.channels import exchange
from zaitu.notify.channels.aliyun import answers as aliyun
from zaitu.notify.channels.aliyun.send import Sender as AliyunSender
from zaitu.notify.channels.tencent import answers as tencent
from zaitu.notify.channels.tencent.send import Sender as TencentSender
from zaitu.notify.domain.delivery import Answer, Verdict

SENDERS = {"aliyun": AliyunSender, "tencent": TencentSender}
N, R, P = Verdict.NEVER, Verdict.RETRY, Verdict.PAUSE
ALIYUN = {
    **dict.fromkeys(("isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH", "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL"), P),
    **dict.fromkeys(("isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE", "isv.DENY_IP_RANGE", "isp.RAM_PERMISSION_DENY"), P),
    **dict.fromkeys(("isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"), P),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidTimeStamp.Expired", "InvalidAccessKeyId.NotFound"), P),
    **dict.fromkeys(("isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_SIGN_ILLEGAL", "isv.SIGN_STATE_ILLEGAL"), P),
    **dict.fromkeys(("Throttling", "Throttling.User", "Throttling.Api"), P),
    **dict.fromkeys(("isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.SMS_TEMPLATE_ILLEGAL", "isv.TEMPLATE_MISSING_PARAMETERS"), N),
    **dict.fromkeys(("isv.INVALID_JSON_PARAM", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL"), N),
    **dict.fromkeys(("isv.SMS_CONTENT_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.EXTEND_CODE_ERROR"), N),
    **dict.fromkeys(("isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"), N),
    **dict.fromkeys(("isv.INVALID_PARAMETERS", "isv.SOMETHING_NEW", "isv.MOBILE_IN_BLACK"), N),
    **dict.fromkeys(("isp.SYSTEM_ERROR", "InternalError", "SignatureNonceUsed", "SomethingNew"), R),
}  # fmt: skip
TENCENT = {
    **dict.fromkeys(("FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.ServiceSuspendDueToArrears"), P),
    **dict.fromkeys(("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "UnauthorizedOperation.SdkAppIdIsDisabled"), P),
    **dict.fromkeys(("UnauthorizedOperation.RequestIpNotInWhitelist", "UnauthorizedOperation.RequestPermissionDeny"), P),
    **dict.fromkeys(("LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.DailyLimit"), P),
    **dict.fromkeys(("AuthFailure.SignatureFailure", "AuthFailure.SignatureExpire", "AuthFailure.SomethingNew"), P),
    **dict.fromkeys(("InternalError.RequestTimeException", "FailedOperation.SignatureIncorrectOrUnapproved"), P),
    **dict.fromkeys(("RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded"), P),
    **dict.fromkeys(("FailedOperation.TemplateIncorrectOrUnapproved", "FailedOperation.TemplateUnapprovedOrNotExist"), N),
    **dict.fromkeys(("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "FailedOperation.ContainSensitiveWord"), N),
    **dict.fromkeys(("InvalidParameterValue.TemplateParameterLengthLimit", "InvalidParameterValue.ContentLengthLimit"), N),
    **dict.fromkeys(("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", "InvalidParameterValue.SomethingNew"), N),
    **dict.fromkeys(("InvalidParameterValue.IncorrectPhoneNumber", "UnsupportedOperation.UnsupportedRegion"), N),
    **dict.fromkeys(("LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit"), N),
    **dict.fromkeys(("FailedOperation.PhoneNumberInBlacklist", "FailedOperation.FailResolvePacket", "InvalidParameter"), N),
    **dict.fromkeys(("InternalError.Timeout", "InternalError.SendAndRecvFail", "InternalError.SomethingNew"), R),
    **dict.fromkeys(("LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberOneHourLimit"), R),
    **dict.fromkeys(("LimitExceeded.DeliveryFrequencyLimit", "FailedOperation.MarketingSendTimeConstraint"), R),
}  # fmt: skip
GONE = {"isv.MOBILE_IN_BLACK", "FailedOperation.PhoneNumberInBlacklist"}
ROWS = [("aliyun", *row) for row in ALIYUN.items()] + [("tencent", *row) for row in TENCENT.items()]


@pytest.fixture
def sender(sms, sms_case):
    made = SENDERS[sms_case.provider]()
    yield made
    made.close()


@pytest.fixture(scope="module")
def servers():
    """One of each for all rows of the table; each row plans its own answer."""
    with running(Aliyun()) as first, running(Tencent()) as second:
        yield {"aliyun": first, "tencent": second}


def send_to(server: SmsServer, provider: str, settings, **given) -> Answer:
    case = CASES[provider]
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_SMS_SIGN = provider, "顺驰物流"
    for name, value in case.settings.items():
        setattr(settings, name, value)
    setattr(settings, url_setting(case), server.url)
    made = SENDERS[provider]()
    try:
        return made(parcel(case, **given))
    finally:
        made.close()


@pytest.mark.parametrize(("provider", "code", "verdict"), ROWS)
def test_every_documented_code_has_its_meaning(servers, settings, provider, code, verdict):
    servers[provider].plan = [Say(code=code, message=f"说明 {PHONE}")]
    answer = send_to(servers[provider], provider, settings)
    assert (answer.verdict, answer.reason) == (verdict, code)
    assert answer.rests is (verdict is Verdict.PAUSE), (
        "what is wrong with us rests all, what is wrong with one only that one"
    )
    assert answer.gone is (code in GONE)
    ours, colon, theirs = answer.note.partition("：")
    assert (PHONE in ours, colon, theirs) == (False, "：", f"说明 {PHONE}"), "what they say can be blanked"


def test_no_code_of_the_tables_is_left_untried():
    tried = {code for _, code, _ in ROWS}
    families = {code.partition(".")[0] for code in tried}
    assert {code.partition(".")[0] for code in (*aliyun.CODES, *tencent.CODES)} <= families | {
        "Forbidden", "NoPermission", "MissingParameter", "IncompleteSignature", "IllegalTimestamp",
        "MissingAccessKeyId", "SIGNATURE_BLACKLIST", "ServiceUnavailable", "UnknownError", "InvalidAccessKeyId",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "verdict", "wait_s"),
    [
        ("触发分钟级流控Permits:1", Verdict.RETRY, 60),
        ("触发小时级流控Permits:5", Verdict.RETRY, 3600),
        ("触发天级流控Permits:40", Verdict.NEVER, None),
        ("", Verdict.RETRY, 300),
    ],
)
def test_aliyuns_flow_control_says_in_words_for_how_long(servers, settings, said, verdict, wait_s):
    servers["aliyun"].plan = [Say(code="isv.BUSINESS_LIMIT_CONTROL", message=said)]
    answer = send_to(servers["aliyun"], "aliyun", settings)
    assert (answer.verdict, answer.retry_after_s, answer.rests) == (verdict, wait_s, False)


def test_what_is_taken_is_what_was_said(sms, sms_case, sender):
    answer = sender(parcel(sms_case))
    assert (answer.verdict, answer.rests) == (Verdict.TAKEN, False)
    (taken,) = sms.taken
    assert sms.refused == []
    assert (taken.number, taken.sign, taken.template) == (sms_case.number, "顺驰物流", sms_case.code)
    values = ["ZT3817460293559", "武汉中转站", "今天 15:20–16:00", TOKEN]
    if sms_case.provider == "aliyun":
        assert taken.values == dict(zip(("waybill", "place", "eta", "token"), values, strict=True))
        assert answer.ref == taken.ours == "0f8fad5bd9cb469fa16570867728950e.1"
        assert taken.ref in answer.note, "what Aliyun's people ask for"
    else:
        assert taken.values == values
        assert (answer.ref, answer.parts) == (taken.ref, 2)


def test_a_template_without_variables_is_sent(sms, sms_case, sender):
    code = {"aliyun": "SMS_3", "tencent": "3"}[sms_case.provider]
    said = replace(parcel(sms_case).said, code=code, variables=())
    assert sender(parcel(sms_case, said=said)).verdict is Verdict.TAKEN


def test_a_number_abroad_is_sent_to_with_its_country(sms, sms_case, sender):
    assert sender(parcel(sms_case, address="+85291234567")).verdict is Verdict.TAKEN
    assert sms.taken[0].number == {"aliyun": "85291234567", "tencent": "+85291234567"}[sms_case.provider]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"address": "02161234567"}, "landline"),
        ({"address": "4008123456"}, "landline"),
        ({"said": {"code": ""}}, "no_code"),
        ({"said": {"variables": (("link", "https://t.example.cn/k/x"),)}}, "link_variable"),
        ({"said": {"variables": (("token", "x" * 36),)}}, "too_long"),
    ],
)
def test_what_no_provider_takes_is_not_offered(sms, sms_case, sender, wrong, reason):
    one = parcel(sms_case)
    given = {name: replace(one.said, **value) if name == "said" else value for name, value in wrong.items()}
    answer = sender(replace(one, **given))
    assert (answer.verdict, answer.reason, answer.gone) == (Verdict.NEVER, reason, False)
    assert sms.taken == sms.refused == []


def test_a_long_place_is_cut_so_that_it_fits(sms, sms_case, sender):
    one = parcel(sms_case)
    long = tuple(
        (name, "很长的站名" * 20 if name == "place" else value) for name, value in one.said.variables
    )
    assert sender(replace(one, said=replace(one.said, variables=long))).verdict is Verdict.TAKEN
    place = sms.taken[0].values["place"] if sms_case.provider == "aliyun" else sms.taken[0].values[1]
    assert place.endswith("…")
    assert len(place) == {"aliyun": 35, "tencent": 20}[sms_case.provider]


@pytest.mark.parametrize("sms_case", ["tencent"], indirect=True)
def test_of_a_window_that_is_too_long_its_beginning_is_said(sms, sms_case, sender):
    one = parcel(sms_case)
    long = tuple(
        (name, "11月23日 22:20–11月24日 06:00" if name == "eta" else value)
        for name, value in one.said.variables
    )
    assert sender(replace(one, said=replace(one.said, variables=long))).verdict is Verdict.TAKEN
    assert sms.taken[0].values[2] == "11月23日 22:20起"


def test_what_is_not_set_is_named_and_costs_no_try(sms, sms_case, sender, settings):
    for name in (*sms_case.settings, "ZAITU_SMS_SIGN"):
        if name.endswith("_CHARS"):
            continue
        before = getattr(settings, name)
        setattr(settings, name, "")
        answer = sender(parcel(sms_case))
        assert (answer.verdict, answer.note) == (Verdict.PAUSE, f"没有设置 {name}")
        setattr(settings, name, before)


def test_a_wrong_key_rests_the_way(sms, sms_case, sender, settings):
    secret = next(name for name in sms_case.settings if "SECRET" in name and name.endswith(("SECRET", "KEY")))
    setattr(settings, secret, "another")
    answer = sender(parcel(sms_case))
    assert (answer.verdict, answer.rests) == (Verdict.PAUSE, True)
    assert len(sms.refused) == 1


# The network


def test_a_provider_that_is_away_costs_no_tries(sms_case, settings, sms):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        setattr(settings, url_setting(sms_case), f"http://127.0.0.1:{unused.getsockname()[1]}")
        made = SENDERS[sms_case.provider]()
        answer = made(parcel(sms_case))
    made.close()
    assert (answer.verdict, answer.rests, answer.note) == (Verdict.PAUSE, True, "连接不上短信服务商")


def test_of_a_lost_answer_nobody_knows_so_it_waits_a_minute_before_it_is_sent_again(sms, sms_case, sender):
    sms.plan = [Say(hang_up=True)]
    answer = sender(parcel(sms_case))
    assert (answer.verdict, answer.rests, answer.retry_after_s) == (Verdict.RETRY, True, 60)
    assert "可能已发出" in answer.note
    assert len(sms.taken) == 1


def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_the_deadline(
    sms, sms_case, sender, monkeypatch
):
    monkeypatch.setattr(exchange, "TIMEOUT_S", 0.3)
    sms.plan = [Say(delay_s=2)]
    answer = sender(parcel(sms_case))
    assert (answer.verdict, answer.note) == (Verdict.RETRY, "短信服务商没有及时应答，可能已发出")
    assert sender(parcel(sms_case, claim=2)).verdict is Verdict.TAKEN, "the next one has a whole deadline"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (502, b"<html>bad gateway</html>", Verdict.PAUSE),
        (503, b"", Verdict.PAUSE),
        (429, b"slow down", Verdict.PAUSE),
        (200, b"", Verdict.RETRY),
        (200, b"[]", Verdict.RETRY),
        (200, b'{"Response": {"SendStatusSet": []}}', Verdict.RETRY),
        (500, b"x" * 100_000, Verdict.RETRY),
    ],
)
def test_what_is_not_the_providers_answer_is_not_taken_for_one(sms, sms_case, sender, status, body, verdict):
    sms.plan = [Say(status=status, body=body)]
    answer = sender(parcel(sms_case))
    assert (answer.verdict, answer.rests, answer.code) == (verdict, True, status)


@given(st.binary(max_size=200) | st.builds(str.encode, st.from_regex(r'\{"(Code|Response)": ?.{0,40}\}')))
def test_no_answer_breaks_the_courier(body):
    for answer in (aliyun.of_reply(200, body), tencent.of_reply(200, body)):
        assert isinstance(answer, Answer)
        assert len(answer.note) <= 300
        assert len(answer.ref) <= 100


def test_one_connection_serves_many_messages(sms, sms_case, sender):
    for claim in range(3):
        assert sender(parcel(sms_case, claim=claim)).verdict is Verdict.TAKEN
    (pool,) = [sender._line._pool]
    assert len(pool.connections) == 1
