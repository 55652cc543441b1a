"""Errors of the house as pages and problem documents."""

import json

import pytest
from django.test import RequestFactory
from django.utils import translation

from zaitu.kernel import errors
from zaitu.ui import problems, views


def every(kind=errors.ZaituError):
    return [kind, *(found for child in kind.__subclasses__() for found in every(child))]


def answer(error, path="/x", **headers):
    return views.error_answer(RequestFactory().get(path, headers=headers), error)


def made(kind):
    return kind(retry_after_s=30) if kind is errors.RateLimited else kind()


@pytest.mark.parametrize("kind", [kind for kind in every() if kind.__module__ == "zaitu.kernel.errors"][1:])
def test_every_error_has_a_status_a_page_and_a_document(kind):
    error = made(kind)
    status, document = problems.problem(error)
    assert 400 <= status < 600
    assert status != 500
    assert (document["status"], document["code"]) == (status, kind.code)
    page = answer(error)
    assert page.status_code == status
    assert str(problems.WORDS[status].title) in page.content.decode()


def test_words_for_developers_are_not_shown_to_people():
    page = answer(errors.Forbidden("staff may not keys.manage")).content.decode()
    assert "keys.manage" not in page
    assert "没有权限" in page
    assert "收货人电话有误" in answer(errors.Invalid("收货人电话有误")).content.decode()


def test_what_somebody_typed_is_text_on_the_page():
    page = answer(errors.Invalid("不认识 <script>alert(1)</script>")).content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize(("path", "headers"), [("/api/v1/x", {}), ("/x", {"Accept": "application/json"})])
def test_programs_get_problem_documents(path, headers):
    told = answer(errors.Invalid("有误", fields={"pieces": "须大于 0"}), path, **headers)
    assert told["Content-Type"] == "application/problem+json"
    assert json.loads(told.content)["fields"] == {"pieces": "须大于 0"}


def test_waiting_times_and_challenges_are_in_the_headers():
    assert answer(errors.RateLimited(retry_after_s=17))["Retry-After"] == "17"
    assert answer(errors.Unavailable(retry_after_s=5))["Retry-After"] == "5"
    assert "Retry-After" not in answer(errors.Unavailable())
    assert answer(errors.NotAuthenticated())["WWW-Authenticate"] == "Bearer"


def test_the_page_speaks_english_when_asked():
    with translation.override("en"):
        page = answer(errors.NotFound()).content.decode()
    assert "Not found" in page


def test_a_server_error_never_fails_itself():
    request = RequestFactory().get("/x")
    assert views.server_error(request).status_code == 500


def test_an_unlisted_error_is_a_server_error():
    class Odd(errors.ZaituError):
        """Odd."""

    assert problems.status_of(Odd()) == 500


@pytest.mark.django_db
def test_an_address_that_only_a_form_is_sent_to_has_a_page_of_its_own(client):
    for address, home in (("/t/ZT0000000000000/unlock", "/"), ("/console/keys/new", "/console/")):
        answer = client.get(address)
        text = answer.content.decode()
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
        assert "不支持这种操作" in text
        assert f'href="{home}">回到首页' in text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/console/sign-in", "/api/v1/orders"])
def test_an_address_of_too_many_fields_is_a_bad_request(client, path):
    told = client.get(path + "?" + "&".join(f"a{n}=1" for n in range(2_000)))
    assert told.status_code == 400
    expected = "application/problem+json" if path.startswith("/api/") else "text/html; charset=utf-8"
    assert told["Content-Type"] == expected
