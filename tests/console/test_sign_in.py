"""The gate: signing in, being locked out, leaving, one's own password."""

import pytest
from django.test import Client

from tests.access import make as people
from tests.console import make
from zaitu.access.models import User

pytestmark = pytest.mark.django_db


def post(client, username="li.lei", password=people.PASSWORD, **fields):
    return client.post("/console/sign-in", {"username": username, "password": password, **fields})


def test_the_right_password_opens_the_console():
    people.user("service", username="li.lei")
    client = Client()
    assert post(client)["Location"] == "/console/"
    assert client.get("/console/").status_code == 200


def test_after_signing_in_one_is_where_one_wanted_to_be():
    people.user("service", username="li.lei")
    assert post(Client(), next="/console/shipments?q=1")["Location"] == "/console/shipments?q=1"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_signing_in_never_leads_to_another_site(elsewhere):
    people.user("service", username="li.lei")
    assert post(Client(), next=elsewhere)["Location"] == "/console/"


def test_wrong_name_and_wrong_password_look_the_same():
    people.user("service", username="li.lei")
    known, unknown = post(Client(), password="wrong"), post(Client(), username="nobody")
    assert known.status_code == unknown.status_code == 401
    for answer in (known, unknown):
        assert "用户名或密码不正确" in answer.content.decode()
        assert "wrong" not in answer.content.decode()


def test_after_eight_wrong_ones_there_is_a_page_that_says_so(settings):
    people.user("service", username="li.lei")
    client = Client()
    answers = [post(client, password="wrong") for _ in range(settings.AXES_FAILURE_LIMIT)]
    assert answers[-1].status_code == 429
    assert "15 分钟后再试" in answers[-1].content.decode()
    assert post(client).status_code == 429
    assert client.get("/console/").status_code == 302


@pytest.mark.parametrize(
    ("from_there", "status"), [("2001:db8:0:1:ffff::9", 429), ("2001:db8:0:2::1", 302), ("192.0.2.1", 302)]
)
def test_a_new_ipv6_address_of_the_same_subscriber_gives_no_new_tries(settings, from_there, status):
    people.user("service", username="li.lei")
    for number in range(settings.AXES_FAILURE_LIMIT):
        post(Client(REMOTE_ADDR=f"2001:db8:0:1::{number + 1:x}"), password="wrong")
    assert post(Client(REMOTE_ADDR=from_there)).status_code == status


def test_signing_out_takes_a_post():
    client = make.signed_in("service")
    assert client.get("/console/sign-out").status_code == 405
    assert client.get("/console/").status_code == 200
    client.post("/console/sign-out")
    assert client.get("/console/").status_code == 302


def test_a_changed_password_keeps_this_session_and_ends_the_others():
    people.user("service", username="li.lei")
    here, there = Client(), Client()
    post(here)
    post(there)
    new = "xin-de-mi-ma-99"
    answer = here.post("/console/me", {"old": people.PASSWORD, "new": new, "again": new})
    assert answer["Location"] == "/console/me"
    assert here.get("/console/").status_code == 200
    assert there.get("/console/").status_code == 302
    assert User.objects.get().check_password(new)


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("wrong", "xin-de-mi-ma-99", "xin-de-mi-ma-99", "当前密码不正确"),
        (people.PASSWORD, "short", "short", "密码至少 10 位"),
        (people.PASSWORD, "xin-de-mi-ma-99", "another-one-99", "与新密码不一样"),
    ],
)
def test_a_refused_password_says_why_and_is_not_sent_back(old, new, again, said):
    people.user("service", username="li.lei")
    client = Client()
    post(client)
    answer = client.post("/console/me", {"old": old, "new": new, "again": again})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said in text
    assert f'value="{new}"' not in text
    assert User.objects.get().check_password(people.PASSWORD)


def test_english_is_one_click_away_and_stays():
    client = Client()
    assert '<html lang="zh-Hans">' in client.get("/console/sign-in").content.decode()
    assert '<html lang="en">' in client.get("/console/sign-in?lang=en").content.decode()
    assert "Sign in" in client.get("/console/sign-in").content.decode()
