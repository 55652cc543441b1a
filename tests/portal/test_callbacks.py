"""The door at which providers call, over a real socket."""

import json

import pytest

from zaitu.notify import public as notify
from zaitu.notify.models import Inbound, ReceiptIn
from zaitu.notify.services.callbacks import callback_token
from zaitu.portal import misses as rules
from zaitu.portal.misses import misses

REPORT = {"out_id": "x.1", "success": True, "report_time": "2026-11-22 15:20:04", "err_code": "DELIVERED"}


def path(provider="aliyun", token=None):
    return f"/callbacks/{provider}/{callback_token(provider) if token is None else token}"


def test_a_receipt_is_taken_and_answered_as_the_provider_expects(web):
    answer = web.post(path(), json=[REPORT])
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "接收成功"})
    assert answer.headers["cache-control"].startswith("max-age=0")
    assert ReceiptIn.objects.get().ref == "x.1"
    answer = web.post(path("tencent"), json={"mobile": "13800005678", "text": "在哪", "time": 1795332600})
    assert (answer.status_code, answer.json()) == (200, {"result": 0, "errmsg": "OK"})
    assert Inbound.objects.get().text == "在哪"


def test_what_it_is_called_does_not_matter(web):
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        body = json.dumps([REPORT | {"out_id": kind}])
        assert web.post(path(), content=body, headers={"content-type": kind}).status_code == 200
    assert ReceiptIn.objects.count() == 3


def test_a_broken_one_is_refused_so_that_it_comes_again(web):
    answer = web.post(path(), content="<xml/>")
    assert (answer.status_code, answer.json()["code"]) == (400, 1)


@pytest.mark.parametrize("provider", ["aliyun", "tencent", "nobody", "email", "webhook", "Aliyun"])
@pytest.mark.parametrize("token", ["x", "0" * 40, "\u00e9", "%00"])
def test_a_forged_one_finds_the_usual_404(web, provider, token):
    forged, nowhere = web.post(path(provider, token), json=[REPORT]), web.get("/nothing/here")
    assert forged.status_code in {404, 400}
    assert (forged.status_code == 400) is (token == "%00"), "nobody means a NUL"
    assert nowhere.status_code == 404
    assert "x.1" not in forged.text
    assert not ReceiptIn.objects.exists()


def test_without_a_path_only_those_are_heard_who_sign(web):
    assert web.post("/callbacks/aliyun", json=[REPORT]).status_code == 404
    assert web.get("/callbacks/aliyun?echostr=x").status_code == 404


def test_it_is_no_page(web):
    assert web.put(path(), json=[REPORT]).status_code == 405
    assert web.delete(path()).status_code == 405


def test_a_body_that_is_too_large_is_not_taken(web):
    row = json.dumps(REPORT | {"err_msg": "x" * 1000})
    many = f"[{','.join([row] * (notify.BODY_MAX // len(row) + 1))}]"
    assert web.post(path(), content=many).status_code == 413

    def parts():
        yield many.encode()

    assert web.post(path(), content=parts()).status_code == 413, "nor one that does not say how large it is"
    assert not ReceiptIn.objects.exists()


def test_who_tries_paths_is_closed_out_but_never_the_provider(web, monkeypatch):
    monkeypatch.setattr(rules, "MISSES", 3)
    for _ in range(5):
        web.post(path(token="wrong"), json=[])
    assert web.post(path(token="wrong"), json=[]).status_code == 429
    assert web.get("/t/ZT0000000000000").status_code == 429, "one count for all doors"
    assert web.post(path(), json=[REPORT]).status_code == 200
    misses.blocked.clear()


def test_neither_path_nor_number_is_logged(web, logged, monkeypatch):
    def broken(**_):
        raise RuntimeError("broken")

    monkeypatch.setattr("zaitu.notify.services.callback_take", broken)
    answer = web.post(path(), json=[REPORT])
    assert answer.status_code == 500
    assert "/callbacks/aliyun/***" in logged()
    assert callback_token("aliyun") not in logged()
