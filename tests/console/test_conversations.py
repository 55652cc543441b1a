"""The pages on which staff answer customers."""

from datetime import timedelta

import pytest

from tests.console import make
from tests.desk import make as talks
from tests.journey import make as journey
from zaitu.access.models import AuditEntry
from zaitu.desk import public as desk
from zaitu.desk.models import Conversation, Entry
from zaitu.kernel import clock

pytestmark = pytest.mark.django_db
LIST = "/console/conversations"


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def page(client, path, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


def send(client, one, text="今天下午送到。", do="answer", **fields):
    seen = fields.pop("seen", None) or talks.view(one).last_entry
    return client.post(f"{LIST}/{one}/answer", {"text": text, "do": do, "seen": seen, **fields})


def test_the_list_shows_who_waits_with_the_clock_and_is_searched():
    first, second = talks.shipment(), journey.order().waybill
    one, two = talks.say(first, "温度计读数正常吗"), talks.say(second, "外箱破损", kind=desk.Kind.COMPLAINT)
    due = clock.now() - timedelta(minutes=5)
    Conversation.objects.filter(pk=two).update(due_at=due)
    client = make.signed_in("service")
    text = page(client, LIST)
    assert text.index("外箱破损") < text.index("温度计读数正常吗")
    assert f'data-due="{clock.local(due).isoformat(timespec="seconds")[:16]}' in text
    assert '<span class="badge">2' in text
    assert "温度计" not in page(client, LIST, q="破损")
    assert "外箱" not in page(client, LIST, kind="question")
    assert "没有符合条件的会话" in page(client, LIST, q="没有说过的话")
    assert "没有符合条件的会话" in page(client, LIST, mine="me")
    part = client.get(LIST, {"q": "温度"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert f"{LIST}/{one}" in part


def test_many_conversations_are_turned_by_pages():
    waybill = talks.shipment()
    talks.say(waybill)
    row = Conversation.objects.get()
    for number in range(60):
        row.pk, row.person, row.waybill = None, f"visitor:{number}", f"ZT99999999{number:05}"
        row.save(force_insert=True)
    client = make.signed_in("service")
    assert page(client, LIST).count("<tr data-open=") == 50
    assert page(client, LIST, page=2).count("<tr data-open=") == 11


def test_before_the_first_word_the_list_says_how_it_comes():
    text = page(make.signed_in("service"), LIST)
    assert "还没有客户留言" in text
    assert 'class="badge"' not in text


def test_staff_answer_and_the_customer_is_told():
    waybill = talks.shipment()
    one = talks.say(waybill)
    client = make.signed_in("service")
    text = page(client, f"{LIST}/{one}")
    assert "货到哪里了？" in text
    assert "数控刀具" in text, "the shipment stands beside it"
    assert "王小明" not in text, "and its people are masked"
    answered = send(client, one)
    assert answered["Location"] == f"{LIST}/{one}"
    assert talks.said(waybill) == ["货到哪里了？", "今天下午送到。"]
    assert "已回复" in page(client, f"{LIST}/{one}")


def test_who_writes_while_something_newer_came_is_shown_it_and_keeps_what_was_typed():
    waybill = talks.shipment()
    one = talks.say(waybill)
    seen = talks.view(one).last_entry
    talks.answer(one, "同事已经回了。")
    refused = send(make.signed_in("service"), one, "我也来回一句", seen=seen)
    text = refused.content.decode()
    assert refused.status_code == 409
    assert "还没有发出去" in text
    assert "我也来回一句</textarea>" in text
    assert "talk-newer" in text
    assert talks.said(waybill) == ["货到哪里了？", "同事已经回了。"]
    again = send(make.signed_in("service"), one, "我也来回一句")
    assert again.status_code == 302


def test_the_open_page_hears_that_something_came():
    waybill = talks.shipment()
    one = talks.say(waybill)
    seen = talks.view(one).last_entry
    client = make.signed_in("dispatch")
    assert "notice" not in page(client, f"{LIST}/{one}/news", seen=seen)
    talks.say(waybill, "在吗")
    assert "来了 1 条新内容" in page(client, f"{LIST}/{one}/news", seen=seen)
    for seen in ("x", "-1", "9" * 40, ""):
        page(client, f"{LIST}/{one}/news", seen=seen)


def test_notes_hands_closing_and_reopening():
    waybill = talks.shipment()
    one = talks.say(waybill)
    client = make.signed_in("service")
    assert send(client, one, "昨天打过电话", do="note").status_code == 302
    assert talks.said(waybill) == ["货到哪里了？"]
    assert client.post(f"{LIST}/{one}/take", {"do": "take"}).status_code == 302
    assert "放回待分派" in page(client, f"{LIST}/{one}")
    assert "货到哪里了" not in page(client, LIST, mine="nobody")
    client.post(f"{LIST}/{one}/take", {"do": "leave"})
    ticket = talks.view(one).tickets[0].id

    def move(do, reason=""):
        seen = talks.view(one).last_entry
        return client.post(f"{LIST}/{one}/tickets/{ticket}", {"do": do, "seen": seen, "reason": reason})

    refused = move("close")
    assert refused.status_code == 422
    assert "不回复就关闭，请写明原因" in refused.content.decode()
    assert move("close", "广告").status_code == 302
    assert talks.view(one).tickets[0].state is desk.State.CLOSED
    assert move("close", "再关").status_code == 409
    assert move("reopen").status_code == 302
    assert talks.view(one).tickets[0].state is desk.State.REOPENED
    assert move("reopen").status_code == 409


def test_an_empty_answer_is_refused_at_its_field():
    one = talks.say(talks.shipment())
    refused = send(make.signed_in("service"), one, "  ")
    assert refused.status_code == 422
    assert "请写下回复" in refused.content.decode()
    assert Entry.objects.count() == 1


def test_dispatch_reads_and_does_not_answer():
    one = talks.say(talks.shipment())
    client = make.signed_in("dispatch")
    assert 'id="answer"' not in page(client, f"{LIST}/{one}")
    assert send(client, one).status_code == 403
    assert Entry.objects.count() == 1


def test_photos_are_shown_to_staff_and_each_read_is_recorded():
    waybill = talks.shipment()
    one = talks.say(waybill, "破了", photos=(talks.PHOTO,))
    client = make.signed_in("service")
    photo = talks.view(one).entries[0].photos[0]
    assert f"{LIST}/photos/{photo}" in page(client, f"{LIST}/{one}")
    answer = client.get(f"{LIST}/photos/{photo}")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert AuditEntry.objects.filter(action="personal.read", detail__file=photo).exists()
    assert make.signed_in("driver").get(f"{LIST}/photos/{photo}").status_code == 403
    assert client.get(f"{LIST}/photos/x").status_code == 404


def test_hostile_words_are_text():
    waybill = talks.shipment()
    one = talks.say(waybill, "<img src=x onerror=alert(1)>")
    client = make.signed_in("service")
    for text in (page(client, LIST), page(client, f"{LIST}/{one}")):
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text


def test_a_rating_stands_beside_the_conversation():
    waybill = talks.signed()
    talks.rate(waybill, 2, reasons=("late",), text="等了三天")
    one = Conversation.objects.get().pk
    text = page(make.signed_in("manager"), f"{LIST}/{one}")
    assert "★★☆☆☆" in text
    assert "比预计的晚" in text


def test_what_is_not_there_is_not_found():
    client = make.signed_in("service")
    assert client.get(f"{LIST}/1").status_code == 404
    assert client.post(f"{LIST}/1/answer", {"text": "x", "seen": "0"}).status_code == 404


def test_the_pages_speak_english():
    waybill = talks.shipment()
    one = talks.say(waybill, "hello")
    client = make.signed_in("service")
    for path in (LIST, f"{LIST}/{one}"):
        text = page(client, path, lang="en")
        assert "Conversations" in text
