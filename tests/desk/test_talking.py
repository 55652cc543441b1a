"""What customers say becomes tickets; staff answer; the clock and the record are right."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import InternalError, ProgrammingError, transaction
from PIL import Image

from tests.access import make as people
from tests.desk import make
from tests.journey import make as journey
from zaitu.access.models import AuditEntry
from zaitu.access.public import tail_principal
from zaitu.customers import public as customers
from zaitu.customers.events import ContactErased
from zaitu.desk import public as desk
from zaitu.desk.models import Attachment, Conversation, Entry, Rating, Ticket
from zaitu.desk.selectors.threads import _numbers
from zaitu.kernel import clock
from zaitu.kernel.crypto import is_sealed
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, RuleBroken, TooLarge
from zaitu.kernel.models import OutboxRow
from zaitu.kernel.principal import Principal, anyone
from zaitu.notify.models import Message

pytestmark = pytest.mark.django_db
ALL = desk.ConversationQuery()


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def rows(**query):
    found = desk.conversations(actor=make.TEST, query=desk.ConversationQuery(**query))
    return [row.id for row in found.rows]


def test_a_question_is_a_ticket_at_once_whose_clock_runs():
    waybill = make.shipment()
    before = clock.now()
    found = make.view(make.say(waybill))
    (ticket,) = found.tickets
    assert (ticket.kind, ticket.state) == (desk.Kind.QUESTION, desk.State.OPEN)
    assert ticket.due_at == ticket.waiting_since + desk.PROMISE
    assert before <= ticket.waiting_since <= clock.now()
    assert found.contact_id == make.contact_of(waybill)
    assert [entry.text for entry in found.entries] == ["货到哪里了？"]
    assert OutboxRow.objects.filter(name="desk.ticket_moved", subject=f"desk:{waybill}").count() == 1
    assert AuditEntry.objects.filter(action="desk.said", subject=waybill).exists()


def test_more_words_go_on_with_the_open_question_and_a_complaint_is_a_matter_of_its_own():
    waybill = make.shipment()
    one = make.say(waybill)
    assert make.say(waybill, "还要多久？") == one
    assert make.say(waybill, "司机态度不好", kind=desk.Kind.COMPLAINT) == one
    assert make.say(waybill, "补充一下", kind=None) == one
    kinds = [ticket.kind for ticket in make.view(one).tickets]
    assert kinds == [desk.Kind.COMPLAINT, desk.Kind.QUESTION]
    assert make.view(one).entries[-1].ticket_id == make.view(one).tickets[0].id


def test_the_same_words_pressed_twice_are_said_once():
    waybill = make.shipment()
    one = make.say(waybill, "坏了", kind=desk.Kind.COMPLAINT)
    make.say(waybill, "坏了", kind=desk.Kind.COMPLAINT)
    assert len(make.view(one).entries) == 1


def test_an_answer_reaches_the_person_by_mail_with_the_address_of_the_thread():
    waybill = make.shipment()
    one = make.say(waybill)
    make.answer(one, "今天下午送到。", actor=make.service())
    assert make.said(waybill) == ["货到哪里了？", "今天下午送到。"]
    message = Message.objects.get(purpose="reply")
    assert message.person == f"contact:{make.contact_of(waybill)}"
    assert message.address == "wang@example.cn"
    assert f"/t/{waybill}?k=" in message.words
    assert "今天下午" not in message.words, "what is said is read on the page only"
    mark = message.words.split("&c=")[1].split('"')[0]
    assert desk.thread_named(mark) == one
    assert len(message.words.split('"link": "')[1].split('"')[0]) < 150, "SMS and mail cut long words"
    assert not Message.objects.filter(purpose="reply", channel="webhook").exists()


@pytest.mark.parametrize("mark", ["", "1", "1.", "1.zz", ".", "x.y", "１.a", "9" * 30 + ".a", "1.é"])
def test_an_address_that_was_made_up_names_no_conversation(mark):
    assert desk.thread_named(mark) is None


def test_another_conversations_mark_does_not_open_this_one():
    waybill, other = make.shipment(), journey.order().waybill
    one = make.say(waybill)
    visitor = desk.Visitor(conversation_id=one)
    assert make.said(other, visitor) == []
    with pytest.raises(Forbidden):
        make.say(other, visitor=visitor)


def test_the_other_party_sees_nothing_of_it():
    waybill = make.shipment()
    make.answer(make.say(waybill, "我的地址写错了"))
    assert make.said(waybill, make.CONSIGNOR) == []
    assert make.said(waybill, make.BROWSER) == []
    make.say(waybill, "发票什么时候寄？", visitor=make.CONSIGNOR)
    assert make.said(waybill, make.CONSIGNOR) == ["发票什么时候寄？"]


def test_who_came_by_a_link_says_who_they_are_and_the_answer_goes_to_the_person_on_record():
    waybill = make.shipment()
    with pytest.raises(Invalid) as refused:
        make.say(waybill, visitor=make.BROWSER)
    assert set(refused.value.fields) == {"role"}
    assert not Conversation.objects.exists()
    one = make.say(waybill, visitor=make.BROWSER, role="consignee")
    assert not make.view(one).row.proven
    make.answer(one)
    assert Message.objects.get(purpose="reply").person == f"contact:{make.contact_of(waybill)}"
    assert make.said(waybill, desk.Visitor(token="c" * 22)) == [], "another browser with the same link"
    assert len(make.said(waybill)) == 2, "who is told of the answers may read the question"
    with pytest.raises(Forbidden):
        make.say(waybill, visitor=desk.Visitor())


def test_a_request_is_structured_and_changes_nothing_by_itself():
    waybill = make.shipment()
    before = journey.page(waybill)
    day = (clock.local(clock.now()) + timedelta(days=2)).date().isoformat()
    one = make.say(
        waybill,
        "晚一天也行",
        kind=desk.Kind.REQUEST,
        change="time",
        fields={"day": day, "slot": "morning", "address": "x"},
    )
    (ticket,) = make.view(one).tickets
    assert (ticket.change, ticket.fields) == (desk.Change.TIME, {"day": day, "slot": "morning"})
    assert make.said(waybill) == [f"改送达时间：{day} 上午\n晚一天也行"]
    assert journey.page(waybill) == before
    with pytest.raises(Invalid) as refused:
        make.say(waybill, kind=desk.Kind.REQUEST, change="receiver", fields={"name": "李华", "phone": "1"})
    assert set(refused.value.fields) == {"phone"}


def test_nothing_and_too_much_are_refused():
    waybill = make.shipment()
    for text in ("", "  \u200b\n ", "长" * 2001):
        with pytest.raises(Invalid):
            make.say(waybill, text)
    assert not Conversation.objects.exists()


def test_words_that_reorder_others_are_dropped():
    waybill = make.shipment()
    make.say(waybill, "货\u202e到\0了\r\n吗")
    assert make.said(waybill) == ["货到了\n吗"]


def test_about_one_shipment_not_more_than_twenty_words_an_hour():
    waybill = make.shipment()
    for number in range(20):
        make.say(waybill, f"第 {number} 次")
    with pytest.raises(RateLimited):
        make.say(waybill, "第 21 次")
    assert Entry.objects.count() == 20


def test_photos_are_sealed_without_what_a_phone_hides_in_them():
    waybill = make.shipment()
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Geheimphone"
    Image.new("RGB", (3000, 200), "red").save(out, "JPEG", exif=exif)
    one = make.say(waybill, "", photos=(out.getvalue(), make.PHOTO))
    (entry,) = make.view(one).entries
    assert len(entry.photos) == 2
    row = Attachment.objects.order_by("-size_bytes").first()
    with default_storage.open(row.path) as stored:
        assert is_sealed(stored.read())
    contents = [desk.photo_read(actor=tail_principal(waybill), file_id=photo) for photo in entry.photos]
    assert not any(b"Geheimphone" in content for content in contents)
    assert max(Image.open(io.BytesIO(content)).width for content in contents) == 1600
    for actor in (tail_principal("ZT0000000000000"), anyone(), people.staff("warehouse")):
        with pytest.raises(Forbidden):
            desk.photo_read(actor=actor, file_id=entry.photos[0])
    with pytest.raises(NotFound):
        desk.photo_read(actor=make.TEST, file_id="../../etc/passwd")


@pytest.mark.parametrize(
    ("photos", "error"),
    [
        ((b"<script>alert(1)</script>",), Invalid),
        ((make.PHOTO,) * 6, Invalid),
        ((b"x" * 13_000_000,), TooLarge),
    ],
)
def test_what_is_no_photo_or_too_many_is_refused_and_nothing_is_kept(photos, error):
    waybill = make.shipment()
    with pytest.raises(error):
        make.say(waybill, "看", photos=photos)
    assert not Conversation.objects.exists()
    assert not Attachment.objects.exists()


def test_two_who_write_at_once_are_told():
    waybill = make.shipment()
    one = make.say(waybill)
    seen = make.view(one).last_entry
    make.say(waybill, "我又想起一件事")
    with pytest.raises(Conflict):
        make.answer(one, seen=seen)
    assert make.said(waybill) == ["货到哪里了？", "我又想起一件事"]
    make.answer(one)
    with pytest.raises(Conflict):
        desk.close(actor=make.TEST, conversation_id=one, ticket_id=make.view(one).tickets[0].id, seen=seen)


def test_one_answer_answers_all_that_wait_or_the_one_that_is_named():
    waybill = make.shipment()
    one = make.say(waybill)
    make.say(waybill, "外箱破了", kind=desk.Kind.COMPLAINT)
    complaint, question = make.view(one).tickets
    make.answer(one, ticket_id=complaint.id)
    assert [ticket.state for ticket in make.view(one).tickets] == ["answered", "open"]
    assert make.view(one).row.waiting_since == question.waiting_since
    make.answer(one)
    assert make.view(one).row.waiting_since is None
    make.say(waybill, "又来了一个问题")
    make.say(waybill, "又破了", kind=desk.Kind.COMPLAINT)
    make.answer(one, "都处理好了。")
    assert {ticket.state for ticket in make.view(one).tickets} == {desk.State.ANSWERED}
    assert make.said(waybill).count("都处理好了。") == 1


def test_who_waits_is_not_closed_without_a_reason_and_a_word_opens_again():
    waybill = make.shipment()
    one = make.say(waybill)
    (ticket,) = make.view(one).tickets

    def close(reason=""):
        seen = make.view(one).last_entry
        desk.close(actor=make.TEST, conversation_id=one, ticket_id=ticket.id, seen=seen, reason=reason)

    with pytest.raises(Invalid):
        close()
    close("广告")
    assert make.view(one).tickets[0].state is desk.State.CLOSED
    assert make.view(one).row.open_tickets == 0
    assert "广告" not in make.said(waybill), "why it was closed is between colleagues"
    with pytest.raises(RuleBroken):
        close("再关一次")
    desk.reopen(actor=make.TEST, conversation_id=one, ticket_id=ticket.id)
    make.answer(one)
    close()
    make.say(waybill, "还是没到", kind=None)
    assert make.view(one).tickets[0].state is desk.State.REOPENED
    assert make.view(one).row.waiting_since is not None


def test_notes_stay_between_colleagues():
    waybill = make.shipment()
    one = make.say(waybill)
    desk.note(actor=make.service(), conversation_id=one, text="客户昨天也打过电话")
    assert make.said(waybill) == ["货到哪里了？"]
    assert make.view(one).entries[-1].text == "客户昨天也打过电话"
    assert make.view(one).row.waiting_since is not None


def test_one_takes_it_and_lets_it_go_and_who_answers_first_has_it():
    waybill = make.shipment()
    one, li, wang = make.say(waybill), make.service(), make.service()
    desk.take(actor=li, conversation_id=one)
    desk.take(actor=li, conversation_id=one)
    assert make.view(one).row.assignee == li.name
    assert rows(assignee=li.name) == [one]
    desk.take(actor=li, conversation_id=one, mine=False)
    assert rows(assignee="-") == [one]
    make.answer(one, actor=wang)
    assert make.view(one).row.assignee == wang.name
    assert [entry.what for entry in make.view(one).entries].count("taken") == 2


def test_the_list_puts_who_waits_longest_first_and_is_searched_in_chinese():
    first, second, third = make.shipment(), journey.order().waybill, journey.order().waybill
    one, two, three = make.say(first, "温度计读数正常吗"), make.say(second, "外箱破损"), make.say(third)
    Conversation.objects.filter(pk=two).update(due_at=clock.now() - timedelta(hours=2))
    make.answer(one)
    assert rows() == [two, three, one]
    assert rows(state="waiting") == [two, three]
    assert rows(text="箱破损") == [two]
    assert rows(text="温度") == [one]
    assert rows(text="下午送到") == [one], "what we said is found too"
    assert rows(text=third[-6:]) == [three]
    assert set(rows(text="138 1234 5678")) == {one, two, three}
    assert rows(text="没有说过的话") == rows(kind="complaint") == rows(state="closed") == []


def test_what_was_said_is_nowhere_readable_in_the_database():
    waybill = make.shipment()
    make.say(waybill, "温度计读数正常吗")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT text, grams::text FROM desk_entry")
        text, grams = cursor.fetchone()
    assert "温" not in text + grams
    assert "温度" not in str(list(OutboxRow.objects.values_list("body", flat=True)))


def test_every_read_of_what_was_said_is_recorded():
    waybill = make.shipment()
    one, actor = make.say(waybill), people.staff("dispatch")
    desk.conversations(actor=actor, query=ALL)
    desk.conversation_get(actor=actor, conversation_id=one)
    reads = AuditEntry.objects.filter(actor=actor.name, action="personal.read")
    assert [(row.subject, row.detail) for row in reads.order_by("id")] == [
        ("conversations", {"conversations": [one]}),
        (waybill, {"conversation": one}),
    ]


def test_who_may_not_is_refused_everywhere():
    waybill = make.shipment()
    one = make.say(waybill)
    ticket = make.view(one).tickets[0].id
    about = {"conversation_id": one}
    dispatch, link = people.staff("dispatch"), tail_principal(waybill)
    for actor in (dispatch, link, people.staff("driver")):
        for act in (
            lambda actor=actor: desk.answer(actor=actor, text="好", seen=99, **about),
            lambda actor=actor: desk.note(actor=actor, text="好", **about),
            lambda actor=actor: desk.take(actor=actor, **about),
            lambda actor=actor: desk.close(actor=actor, ticket_id=ticket, seen=99, **about),
            lambda actor=actor: desk.reopen(actor=actor, ticket_id=ticket, **about),
        ):
            with pytest.raises(Forbidden):
                act()
    for actor in (link, people.staff("finance")):
        with pytest.raises(Forbidden):
            desk.conversation_get(actor=actor, **about)
        with pytest.raises(Forbidden):
            desk.conversations(actor=actor, query=ALL)
    for actor in (anyone(), tail_principal("ZT0000000000000"), people.staff("administrator")):
        with pytest.raises(Forbidden):
            desk.say(actor=actor, waybill=waybill, visitor=make.CONSIGNEE, words=desk.Words(text="x"))
        with pytest.raises(Forbidden):
            desk.thread(actor=actor, waybill=waybill, visitor=make.CONSIGNEE)
    assert len(make.view(one).entries) == 1


def test_an_entry_is_never_changed():
    make.say(make.shipment())
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        Entry.objects.update(author="li")
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        Entry.objects.update(at=clock.now())


# Ratings


def test_after_signing_one_rates_once_and_may_change_it_for_a_week():
    waybill = make.signed()
    make.rate(waybill, 4, reasons=("on_time", "late"), text="很好")
    make.rate(waybill, 5)
    assert Rating.objects.get().stars == 5
    assert make.thread(waybill).rating.stars == 5
    Rating.objects.update(created_at=clock.now() - timedelta(days=7, seconds=1))
    assert not make.thread(waybill).may_rate
    with pytest.raises(RuleBroken):
        make.rate(waybill, 1)
    assert Rating.objects.get().stars == 5


def test_before_signing_nothing_is_rated():
    waybill = make.shipment()
    assert not make.thread(waybill).may_rate
    with pytest.raises(RuleBroken):
        make.rate(waybill)


def test_each_party_rates_for_itself_and_a_link_once_for_each():
    waybill = make.signed()
    make.rate(waybill, 5)
    make.rate(waybill, 3, visitor=make.CONSIGNOR)
    make.rate(waybill, 4, visitor=make.BROWSER, role="consignee")
    assert make.thread(waybill, make.BROWSER).rating.stars == 4
    other = desk.Visitor(token="c" * 22)
    assert make.thread(waybill, other).rating is None, "another browser does not see it"
    with pytest.raises(RuleBroken):
        make.rate(waybill, 1, visitor=other, role="consignee")
    assert sorted(Rating.objects.values_list("stars", flat=True)) == [3, 4, 5]


def test_few_stars_are_a_complaint_at_once_and_changing_them_is_no_second_one():
    waybill = make.signed()
    make.rate(waybill, 2, reasons=("late",), text="等了三天")
    make.rate(waybill, 1)
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.state) == ("complaint", "open")
    assert make.said(waybill) == ["评价 2 星：比预计的晚。等了三天"]
    make.rate(waybill, 5)
    assert Ticket.objects.count() == 1


# How long things stay


def test_an_erased_person_leaves_no_words_and_no_photos(django_capture_on_commit_callbacks):
    waybill = make.signed()
    one = make.say(waybill, "我的电话是 13812345678", photos=(make.PHOTO,))
    make.rate(waybill, 3, text="李华")
    make.say(waybill, "另一方的话", visitor=make.CONSIGNOR)
    path = Attachment.objects.get().path
    contact = make.contact_of(waybill)
    customers.contact_erase(actor=make.TEST, contact_id=contact, reason="本人申请")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            desk.on_contact_erased(ContactErased(contact_id=contact))
    assert not default_storage.exists(path)
    assert {entry.text for entry in make.view(one).entries} == {""}
    assert make.view(one).blanked
    assert rows(text="我的电话") == []
    assert Rating.objects.get().text == ""
    assert make.said(waybill, make.CONSIGNOR) == ["另一方的话"]


def test_old_words_are_blanked_and_older_conversations_deleted_but_nobody_who_waits(
    settings, django_capture_on_commit_callbacks
):
    settings.ZAITU_TALK_BLANK_DAYS, settings.ZAITU_TALK_KEEP_DAYS = 100, 300
    old, older, waiting, fresh = (make.shipment(), *(journey.order().waybill for _ in range(3)))
    ids = [make.say(waybill, photos=(make.PHOTO,)) for waybill in (old, older, waiting, fresh)]
    for one in (ids[0], ids[1], ids[3]):
        make.answer(one)
    for one, days in zip(ids, (101, 301, 301, 99), strict=True):
        Conversation.objects.filter(pk=one).update(last_at=clock.now() - timedelta(days=days))
    with django_capture_on_commit_callbacks(execute=True):
        assert desk.talks_trim(actor=make.TEST) == (2, 1)
    assert make.said(old) == []
    assert not Conversation.objects.filter(pk=ids[1]).exists()
    assert len(make.said(fresh)) == 2
    assert make.said(waiting) == ["货到哪里了？"]
    assert Attachment.objects.count() == 2
    with pytest.raises(Forbidden):
        desk.talks_trim(actor=make.service())


def test_an_erased_person_who_waits_can_still_be_closed():
    waybill = make.shipment()
    one = make.say(waybill)
    contact = make.contact_of(waybill)
    customers.contact_erase(actor=make.TEST, contact_id=contact, reason="本人申请")
    desk.on_contact_erased(ContactErased(contact_id=contact))
    make.answer(one)
    assert make.view(one).row.waiting_since is None


def test_after_a_change_of_the_key_words_are_found_and_read_before_and_after_the_rewrite(settings):
    waybill = make.shipment()
    one = make.say(waybill, "外箱破损", photos=(make.PHOTO,))
    old = settings.ZAITU_DATA_KEY
    new = "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="
    settings.ZAITU_DATA_KEY = f"{new},{old}"
    assert rows(text="破损") == [one]
    done = [batch.done for batch in desk.keys_rewrite(actor=make.TEST)]
    assert sum(done) == 1
    assert sum(batch.done for batch in desk.files_reseal(actor=make.TEST)) == 1
    settings.ZAITU_DATA_KEY = new
    assert rows(text="破损") == [one]
    entry = make.view(one).entries[0]
    assert entry.text == "外箱破损"
    assert desk.photo_read(actor=make.TEST, file_id=entry.photos[0])


def test_the_numbers_say_who_waits_and_for_how_long():
    waybill = make.shipment()
    make.say(waybill)
    Ticket.objects.update(waiting_since=clock.now() - timedelta(minutes=30))
    found = {metric.name: {s.labels["kind"]: s.value for s in metric.samples} for metric in _numbers()}
    assert found["zaitu_desk_open"] == {"question": 1, "request": 0, "complaint": 0}
    assert 1790 < found["zaitu_desk_oldest_unanswered_s"]["question"] < 1830
    assert found["zaitu_desk_oldest_unanswered_s"]["complaint"] == 0


def test_what_is_not_there_is_not_found():
    make.shipment()
    with pytest.raises(NotFound):
        desk.conversation_get(actor=make.TEST, conversation_id=1)
    unknown: Principal = tail_principal("ZT0000000000000")
    with pytest.raises(NotFound):
        desk.thread(actor=unknown, waybill="ZT0000000000000", visitor=make.CONSIGNEE)
