"""`/api/v1/webhooks`: a customer's own endpoints, their secrets, and what was sent to them."""

import uuid
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from tests.notify import make as notices
from tests.notify.receivers import Reply, http_receiver
from tests.portal.test_api import problem
from tests.portal.test_track import key_for
from zaitu.access.models import AuditEntry
from zaitu.kernel import clock
from zaitu.notify import public as notify
from zaitu.notify.models import Message, WebhookEndpoint

URL = "https://erp.example.cn/zaitu"
ROOT = "/api/v1/webhooks"


@pytest.fixture
def house(web):
    return web, key_for("C001", "webhooks")


def made(web, key, **body):
    answer = web.post(ROOT, json={"url": URL} | body, headers=key)
    assert answer.status_code == 201, answer.text
    return answer


def told(state="sent", **fields):
    """A message to the customer's endpoint that has come to its end."""
    notify.tell(actor=notices.SYSTEM, notice=notices.notice(customer_code="C001", data={"status": "signed"}))
    message = Message.objects.latest("created_at")
    Message.objects.filter(pk=message.pk).update(state=state, **fields)
    return message


def test_an_endpoint_is_made_its_secret_shown_once_and_its_life_is_on_record(house):
    web, key = house
    answer = made(web, key, kinds=["signed"])
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body["secret"].startswith("whsec_")
    assert (body["url"], body["kinds"], body["active"]) == (URL, ["signed"], True)
    one = f"{ROOT}/{body['id']}"
    listed = web.get(ROOT, headers=key)
    assert [row["id"] for row in listed.json()] == [body["id"]]
    changed = web.put(one, json={"url": URL + "/2"}, headers=key)
    assert (changed.json()["url"], changed.json()["kinds"]) == (URL + "/2", [])
    for shown in (listed, changed, web.get(one, headers=key)):
        assert shown.status_code == 200
        assert "secret" not in shown.text
    renewed = web.post(f"{one}/secret", headers=key)
    assert renewed.headers["cache-control"] == "no-store"
    assert renewed.json()["secret"] not in ("", body["secret"])
    assert WebhookEndpoint.objects.get().secret == renewed.json()["secret"]
    assert web.delete(one, headers=key).status_code == 204
    problem(web.get(one, headers=key), 404, "not_found")
    assert web.get(ROOT, headers=key).json() == []
    actions = AuditEntry.objects.filter(subject=f"webhook:{body['id']}").order_by("id")
    assert list(actions.values_list("action", flat=True)) == [
        "webhook.create",
        "webhook.change",
        "webhook.secret",
        "webhook.remove",
    ]
    assert body["secret"] not in str(list(actions.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://erp.example.cn/"}, "url"),
        ({"url": "https://user:pw@erp.example.cn/"}, "url"),
        ({"url": "https://erp.example.cn:22/"}, "url"),
        ({"url": "https://erp.example.cn/" + "a" * 500}, "url"),
        ({"url": ""}, "url"),
        ({"kinds": ["exploded"]}, "kinds.0"),
        ({"kinds": ["signed"] * 6}, "kinds"),
        ({"customer_code": "C002"}, "customer_code"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_an_address_nobody_should_use_is_refused_at_its_field(house, body, field):
    web, key = house
    answer = web.post(ROOT, json={"url": URL} | body, headers=key)
    assert set(problem(answer, 422, "invalid")["fields"]) == {field}
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_switched_off_hears_nothing_until_it_is_on_again(house):
    web, key = house
    one = f"{ROOT}/{made(web, key).json()['id']}"
    told("queued")
    for _ in range(2):
        off = web.post(f"{one}/disable", headers=key).json()
        assert (off["active"], off["note"]) == (False, "已由管理方停用")
    assert Message.objects.get().state == "given_up"
    notify.tell(actor=notices.SYSTEM, notice=notices.notice(customer_code="C001"))
    assert Message.objects.count() == 1
    problem(web.post(f"{one}/test", headers=key), 409, "rule_broken")
    for _ in range(2):
        on = web.post(f"{one}/enable", headers=key).json()
        assert (on["active"], on["note"]) == (True, "")
    assert AuditEntry.objects.filter(action__in=["webhook.disable", "webhook.enable"]).count() == 2


def test_a_test_is_queued_and_a_second_waits_for_the_first(house):
    web, key = house
    one = f"{ROOT}/{made(web, key).json()['id']}"
    first = web.post(f"{one}/test", headers=key)
    assert (first.status_code, first.json()["state"], first.json()["kind"]) == (202, "queued", "test")
    problem(web.post(f"{one}/test", headers=key), 409, "rule_broken")
    Message.objects.update(state="sent")
    assert web.post(f"{one}/test", headers=key).status_code == 202


def test_deliveries_are_listed_with_their_tries_page_by_page(house):
    web, key = house
    one = f"{ROOT}/{made(web, key).json()['id']}"
    for _ in range(51):
        told()
    old = Message.objects.earliest("created_at")
    Message.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=8))
    told("failed", note="HTTP 400")
    first = web.get(f"{one}/deliveries", headers=key).json()
    assert (first["total"], first["page"], len(first["deliveries"])) == (51, 1, 50)
    newest = first["deliveries"][0]
    assert (newest["state"], newest["state_text"], newest["note"], newest["tries"]) == (
        "failed",
        "发送失败",
        "HTTP 400",
        [],
    )
    assert len(web.get(f"{one}/deliveries?page=2", headers=key).json()["deliveries"]) == 1
    problem(web.get(f"{one}/deliveries?page=0", headers=key), 422, "invalid")


def test_what_failed_is_sent_again_under_its_own_id_and_can_be_verified(house, settings):
    from threading import Event, Thread

    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    web, key = house
    with http_receiver() as receiver:
        receiver.replies = [Reply(status=204)]
        body = made(web, key, url=receiver.url).json()
        message = told("given_up", attempts=10, useful_until=clock.now() - timedelta(days=1))
        stop = Event()
        couriers = Thread(target=notify.deliver_until, args=(stop,))
        couriers.start()
        try:
            path = f"{ROOT}/{body['id']}/deliveries/{message.pk}/redeliver"
            answer = web.post(path, headers=key)
            assert (answer.status_code, answer.json()["state"]) == (202, "queued")
            notices.until(lambda: Message.objects.get(pk=message.pk).state == "sent", within_s=20)
        finally:
            stop.set()
            couriers.join(30)
        (got,) = receiver.got
        assert Webhook(body["secret"]).verify(got.body, got.headers)["type"] == "shipment.departed"
        assert got.headers["webhook-id"] == f"msg_{message.pk.hex}"
    assert AuditEntry.objects.get(action="webhook.redeliver").detail["message"] == str(message.pk)


@pytest.mark.parametrize(
    ("state", "fields", "said"),
    [
        ("queued", {}, "还在发送"),
        ("sending", {}, "还在发送"),
        ("sent", {"blanked_at": notices.AT}, "已过保存期"),
    ],
)
def test_what_cannot_be_sent_again_is_refused_with_the_reason(house, state, fields, said):
    web, key = house
    body = made(web, key).json()
    message = told(state, **fields)
    answer = web.post(f"{ROOT}/{body['id']}/deliveries/{message.pk}/redeliver", headers=key)
    assert said in problem(answer, 409, "rule_broken")["detail"]
    assert Message.objects.get().state == state
    web.post(f"{ROOT}/{body['id']}/disable", headers=key)
    Message.objects.update(state="sent", blanked_at=None)
    off = web.post(f"{ROOT}/{body['id']}/deliveries/{message.pk}/redeliver", headers=key)
    assert "已停用" in problem(off, 409, "rule_broken")["detail"]


def asked(web, key, webhook_id, message_id):
    one = f"{ROOT}/{webhook_id}"
    return [
        web.get(one, headers=key),
        web.put(one, json={"url": URL}, headers=key),
        web.delete(one, headers=key),
        web.post(f"{one}/secret", headers=key),
        web.post(f"{one}/test", headers=key),
        web.post(f"{one}/disable", headers=key),
        web.post(f"{one}/enable", headers=key),
        web.get(f"{one}/deliveries", headers=key),
        web.post(f"{one}/deliveries/{message_id}/redeliver", headers=key),
    ]


def test_another_customer_s_endpoint_is_one_that_is_not_there(house):
    web, key = house
    body = made(web, key).json()
    message = told()
    before = AuditEntry.objects.count()
    other = key_for("C002", "webhooks")
    theirs = made(web, other).json()
    for answer, nothing in zip(
        asked(web, other, body["id"], message.pk), asked(web, other, 10**9, message.pk), strict=True
    ):
        assert problem(answer, 404, "not_found") == problem(nothing, 404, "not_found")
    mixed = web.post(f"{ROOT}/{theirs['id']}/deliveries/{message.pk}/redeliver", headers=other)
    problem(mixed, 404, "not_found")
    for wrong in (uuid.uuid4(), "x"):
        answer = web.post(f"{ROOT}/{body['id']}/deliveries/{wrong}/redeliver", headers=key)
        problem(answer, 404, "not_found")
    assert [row["id"] for row in web.get(ROOT, headers=other).json()] == [theirs["id"]]
    assert Message.objects.get().state == "sent"
    # The other customer's key was issued and made an endpoint of its own; nothing was done to the first one.
    assert AuditEntry.objects.filter(subject=f"webhook:{body['id']}").count() == 1
    assert AuditEntry.objects.count() > before


def test_a_key_without_the_scope_opens_none_of_it(house):
    web, key = house
    body = made(web, key).json()
    message = told()
    without = key_for("C001", "orders", "track", "events", "labels")
    answers = [
        web.get(ROOT, headers=without),
        web.post(ROOT, json={"url": URL}, headers=without),
        *asked(web, without, body["id"], message.pk),
    ]
    for answer in answers:
        problem(answer, 403, "forbidden")
    for answer in asked(web, {}, body["id"], message.pk):
        problem(answer, 401, "not_authenticated")
    assert WebhookEndpoint.objects.get().disabled_at is None


def test_the_eleventh_endpoint_is_refused(house):
    web, key = house
    for number in range(10):
        made(web, key, url=f"{URL}/{number}")
    problem(web.post(ROOT, json={"url": f"{URL}/10"}, headers=key), 409, "rule_broken")
    assert WebhookEndpoint.objects.count() == 10
