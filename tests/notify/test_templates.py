"""The company's own words: what a provider would refuse is told before anything is sent."""

import pytest

from tests.notify import make
from tests.notify.sms_cases import TEXT, tell
from zaitu.access.models import AuditEntry
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Right
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.notify.models import MessageTemplate

pytestmark = pytest.mark.django_db
EDITOR = make.staff(Right.TEMPLATES_EDIT)


def draft(text=TEXT, **given):
    return notify.TemplateDraft(**({"kind": "departed", "channel": "sms", "text": text} | given))


def by_kind():
    return {view.kind: view for view in notify.templates_list(actor=EDITOR) if view.channel == "sms"}


@pytest.fixture
def aliyun(settings):
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_SMS_SIGN = "aliyun", "顺驰物流"
    settings.ZAITU_PUBLIC_URL = "https://t.example.cn"


@pytest.fixture
def tencent(settings, aliyun):
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_TENCENT_SMS_VARIABLE_CHARS = "tencent", 20


def test_every_kind_that_people_are_told_of_is_listed_with_its_default(settings):
    settings.ZAITU_SMS_PROVIDER = ""
    views = by_kind()
    assert list(views) == [
        "accepted", "departed", "stop", "soon", "signed", "exception", "correction", "reply", "many", "link",
    ]  # fmt: skip
    assert views["signed"].text == "您的货物{waybill}已签收（{signed_by}）。如有疑问：{link}"
    assert not views["signed"].own
    assert not views["signed"].needs_code


def test_where_addresses_are_no_variables_the_default_has_them_in_its_text(aliyun):
    signed = by_kind()["signed"]
    assert signed.text.endswith("如有疑问：https://t.example.cn/k/{token}")
    assert signed.needs_code
    assert signed.preview.submitted.endswith("https://t.example.cn/k/${token}")
    for view in by_kind().values():
        notify.template_preview(actor=EDITOR, draft=draft(view.text, kind=view.kind))


def test_every_default_is_one_that_the_provider_takes(tencent):
    for view in by_kind().values():
        notify.template_preview(actor=EDITOR, draft=draft(view.text, kind=view.kind))
    assert by_kind()["departed"].preview.submitted.count("{4}") == 1


def test_a_template_is_kept_used_and_recorded_and_the_default_comes_back(aliyun):
    view = notify.template_put(actor=EDITOR, draft=draft("到了{place}", code=" SMS_1 "))
    assert (view.own, view.text, view.code, view.changed_by) == (True, "到了{place}", "SMS_1", "xiaowang")
    assert by_kind()["departed"].text == "到了{place}"
    notify.template_put(actor=EDITOR, draft=draft("又到了{place}", code="SMS_1"))
    assert MessageTemplate.objects.count() == 1
    for _ in range(2):
        view = notify.template_reset(actor=EDITOR, channel="sms", kind="departed")
        assert not view.own
    assert list(AuditEntry.objects.order_by("id").values_list("action", "subject")) == [
        ("template.put", "template:sms/departed"),
        ("template.put", "template:sms/departed"),
        ("template.reset", "template:sms/departed"),
    ]


def test_the_preview_counts_as_operators_count(aliyun):
    network.company_put(actor=make.SYSTEM, company=network.CompanyView(name="顺驰", hotline="400-820-0000"))
    preview = notify.template_preview(actor=EDITOR, draft=draft("{company}{hotline}" + "字" * 60))
    assert preview.text == "【顺驰物流】顺驰400-820-0000" + "字" * 60
    assert (preview.characters, preview.parts) == (80, 2)
    assert not MessageTemplate.objects.exists()


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"text": ""}, "text", "内容为 1–500 个字"),
        ({"text": "{driver}"}, "text", "没有这个变量：{driver}"),
        ({"text": "查询：{link}"}, "text", "https://t.example.cn/k/{token}"),
        ({"text": "【顺驰】到了"}, "text", "模板里不能有【】"),
        ({"code": "154950909"}, "code", "SMS_154950909"),
    ],
)
def test_what_aliyun_would_refuse_is_said_at_its_field(aliyun, given, field, why):
    with pytest.raises(Invalid) as refused:
        notify.template_put(actor=EDITOR, draft=draft(**given))
    assert why in refused.value.fields[field]
    assert not MessageTemplate.objects.exists()


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"text": "查询：{link}"}, "text", "https://t.example.cn/k/{token}"),
        ({"text": "{place}到{place}"}, "text", "{place} 只能用一次"),
        ({"text": "预计{eta}送达"}, "text", "ZAITU_TENCENT_SMS_VARIABLE_CHARS"),
        ({"text": "【顺驰】到了"}, "text", "模板里不能有【】"),
        ({"code": "SMS_1"}, "code", "一串数字"),
    ],
)
def test_what_tencent_would_refuse_is_said_at_its_field(tencent, settings, given, field, why):
    settings.ZAITU_TENCENT_SMS_VARIABLE_CHARS = 16
    with pytest.raises(Invalid) as refused:
        notify.template_put(actor=EDITOR, draft=draft(**({"text": "到了{place}"} | given)))
    assert why in refused.value.fields[field]


def test_where_any_text_may_be_sent_an_address_may_be_a_variable(settings):
    settings.ZAITU_SMS_PROVIDER = "smpp"
    assert notify.template_put(actor=EDITOR, draft=draft("查询：{link}")).own


def test_what_was_written_for_another_provider_is_marked(settings, aliyun):
    settings.ZAITU_SMS_PROVIDER = "smpp"
    notify.template_put(actor=EDITOR, draft=draft("查询：{link}"))
    assert by_kind()["departed"].refused == ""
    settings.ZAITU_SMS_PROVIDER = "aliyun"
    assert "不接受网址" in by_kind()["departed"].refused
    assert by_kind()["signed"].refused == ""


def test_tencents_six_characters_are_told_with_each_default(settings, tencent):
    settings.ZAITU_TENCENT_SMS_VARIABLE_CHARS = 6
    assert all("ZAITU_TENCENT_SMS_VARIABLE_CHARS" in view.refused for view in by_kind().values())


@pytest.mark.parametrize(
    "wrong", [{"channel": "email"}, {"channel": "webhook"}, {"channel": "x"}, {"kind": "test"}, {"kind": "x"}]
)
def test_there_are_no_other_templates(aliyun, wrong):
    with pytest.raises(NotFound):
        notify.template_put(actor=EDITOR, draft=draft(**wrong))


def test_only_who_may_edit_templates_sees_or_changes_them(aliyun):
    nobody = make.staff(*(set(Right) - {Right.TEMPLATES_EDIT}))
    for act in (
        lambda: notify.templates_list(actor=nobody),
        lambda: notify.template_get(actor=nobody, channel="sms", kind="signed"),
        lambda: notify.template_preview(actor=nobody, draft=draft()),
        lambda: notify.template_put(actor=nobody, draft=draft()),
        lambda: notify.template_reset(actor=nobody, channel="sms", kind="signed"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_without_a_code_nothing_is_sent_and_staff_reads_why(aliyun, settings, couriers):
    settings.ZAITU_ALIYUN_ACCESS_KEY_ID = settings.ZAITU_ALIYUN_ACCESS_KEY_SECRET = "x"
    tell()
    (view,) = make.until(
        lambda: [one for one in notify.messages_of(actor=make.SYSTEM, waybill="ZT1234567890123") if one.tries]
    )
    make.until(lambda: notify.messages_of(actor=make.SYSTEM, waybill="ZT1234567890123")[0].state == "failed")
    assert view.tries[0].answer == "这种通知没有配置短信模板编号"
