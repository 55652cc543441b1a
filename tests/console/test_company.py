"""The page on which administrators name the company; what it changes, pages show without a restart."""

import pytest
from django.test import Client

from tests.console import make
from zaitu.network import public as network
from zaitu.network.adapters.company import KEPT

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/console/company"


def test_a_new_name_is_on_every_page_at_once_and_the_hotline_can_be_dialled():
    client = make.signed_in("administrator")
    assert "在途" in Client().get("/").content.decode()
    answer = client.post(PATH, {"name": "顺驰物流", "hotline": "021-55556666 转 8"})
    assert answer["Location"] == PATH
    assert 'value="顺驰物流"' in client.get(PATH).content.decode()
    start = Client().get("/").content.decode()
    assert "<span>顺驰物流</span>" in start
    assert '<a href="tel:02155556666,8">客服热线 021-55556666 转 8</a>' in start
    for path in ("/console/sign-in", "/field/sign-in", "/nothing-here", "/privacy"):
        assert "顺驰物流" in Client().get(path).content.decode(), path


def test_without_a_hotline_none_is_shown():
    make.signed_in("administrator").post(PATH, {"name": "顺驰物流", "hotline": ""})
    assert "tel:" not in Client().get("/").content.decode()


def test_what_the_settings_decide_is_shown_and_not_changed(settings):
    settings.ZAITU_WAYBILL_PREFIX, settings.ZAITU_PUBLIC_URL = "SC", "https://t.example.cn"
    client = make.signed_in("administrator")
    page = client.get(PATH).content.decode()
    assert "<code>SC</code>" in page
    assert "<code>https://t.example.cn</code>" in page
    client.post(PATH, {"name": "顺驰物流", "prefix": "XX"})
    assert "<code>SC</code>" in client.get(PATH).content.decode()


def test_a_wrong_number_is_told_at_its_field_and_what_was_typed_stays():
    answer = make.signed_in("administrator").post(PATH, {"name": "顺驰<b>物流", "hotline": "打我"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "客服热线须为电话号码" in page
    assert 'value="顺驰&lt;b&gt;物流"' in page
    assert network.company().name == ""


def test_a_hostile_name_is_text_everywhere():
    make.signed_in("administrator").post(PATH, {"name": "<script>alert(1)</script>"})
    KEPT.forget()
    for path in ("/", "/console/sign-in", "/field/sign-in", "/nothing-here", "/api/v1/docs"):
        page = Client().get(path).content.decode()
        assert "<script>alert(1)" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path


def test_others_do_not_open_it():
    assert make.signed_in("manager").get(PATH).status_code == 403
