"""The page on which managers word SMS, through HTTP."""

import pytest

from tests.console import make
from zaitu.notify.models import MessageTemplate

pytestmark = pytest.mark.django_db
PAGE = "/console/templates"
ONE = f"{PAGE}/sms/signed"
TEXT = "您的货物{waybill}已签收，查询 https://t.example.cn/k/{token}"


@pytest.fixture
def client():
    return make.signed_in("manager")


@pytest.fixture(autouse=True)
def aliyun(settings):
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_SMS_SIGN = "aliyun", "顺驰物流"
    settings.ZAITU_PUBLIC_URL = "https://t.example.cn"


def shown(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_event_is_listed_with_its_example_and_what_is_missing(client):
    text = shown(client.get(PAGE))
    for said in (
        "下单通知",
        "发车通知",
        "途经通知",
        "即将送达通知",
        "签收通知",
        "缺编号",
        "【顺驰物流】您的货物ZT38",
    ):
        assert said in text
    assert "还没有开通短信" not in text


def test_what_was_written_for_another_provider_is_marked(client, settings):
    settings.ZAITU_SMS_PROVIDER = "smpp"
    client.post(ONE, {"text": "查询 {link}"})
    settings.ZAITU_SMS_PROVIDER = "aliyun"
    for page in (PAGE, ONE):
        assert "服务商不接受网址作变量" in shown(client.get(page))


def test_without_a_provider_it_says_so(client, settings):
    settings.ZAITU_SMS_PROVIDER = ""
    text = shown(client.get(PAGE))
    assert "还没有开通短信" in text
    assert "缺编号" not in text


def test_a_template_is_saved_and_reset(client):
    answer = client.post(ONE, {"text": TEXT, "code": "SMS_7"})
    assert (answer.status_code, answer["location"]) == (302, PAGE)
    assert (MessageTemplate.objects.get().text, MessageTemplate.objects.get().code) == (TEXT, "SMS_7")
    text = shown(client.get(ONE))
    assert "SMS_7" in text
    assert "https://t.example.cn/k/${token}" in text, "as Aliyun wants it"
    assert "恢复默认" in text
    assert "已保存" in text, "the message of the save"
    assert client.post(ONE, {"do": "reset"}).status_code == 302
    assert not MessageTemplate.objects.exists()
    assert "已恢复默认模板" in shown(client.get(ONE))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"text": ""}, "内容为 1–500 个字"),
        ({"text": "查询 {link}"}, "服务商不接受网址作变量"),
        ({"text": "{nobody}"}, "没有这个变量"),
        ({"code": "7"}, "SMS_154950909"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client, typed, said):
    answer = client.post(ONE, {"text": TEXT, "code": "SMS_7"} | typed)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said in text.split('class="field-error"')[1]
    assert next(iter(typed.values())) in text
    assert not MessageTemplate.objects.exists()


def test_the_preview_is_a_part_that_says_length_and_number_or_what_is_wrong(client):
    text = shown(client.post(f"{ONE}/preview", {"text": "字" * 70}))
    assert "<html" not in text
    assert "76 个字" in text
    assert "按 2 条短信计费" in text
    assert "服务商不接受网址作变量" in shown(client.post(f"{ONE}/preview", {"text": "{link}"}))
    assert client.get(f"{ONE}/preview").status_code == 405
    assert not MessageTemplate.objects.exists()


def test_what_is_typed_is_escaped(client):
    text = shown(client.post(f"{ONE}/preview", {"text": "<script>alert(1)</script>"}))
    assert "<script>" not in text


@pytest.mark.parametrize("path", ["email/signed", "sms/test", "x/signed", "sms/x"])
def test_there_are_no_other_templates(client, path):
    assert client.get(f"{PAGE}/{path}").status_code == 404
    assert client.post(f"{PAGE}/{path}", {"text": TEXT}).status_code == 404


@pytest.mark.parametrize("role", ["service", "dispatch", "warehouse", "driver", "finance"])
def test_others_are_told_who_may(role):
    other = make.signed_in(role)
    for answer in (other.get(PAGE), other.post(ONE, {"text": TEXT}), other.post(f"{ONE}/preview", {})):
        assert answer.status_code == 403
    assert not MessageTemplate.objects.exists()


def test_the_callback_address_is_shown_where_webhooks_are(settings):
    administrator = make.signed_in("administrator")
    assert "https://t.example.cn/callbacks/aliyun/" in shown(administrator.get("/console/webhooks"))
    settings.ZAITU_SMS_PROVIDER = ""
    assert "短信回执地址" not in shown(administrator.get("/console/webhooks"))
    assert make.signed_in("manager").get("/console/webhooks").status_code == 403
