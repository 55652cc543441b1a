"""What providers tell at our own door: forged, repeated, broken; and what people write back."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from tests.notify import make
from tests.notify.sms_cases import CASES, PHONE, call_back, reported, tell
from tests.notify.sms_server import Taken
from zaitu.customers.events import ContactErased
from zaitu.kernel import clock, crypto
from zaitu.kernel.errors import Forbidden, NotFound
from zaitu.kernel.models import OutboxRow
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.adapters.claims import claim
from zaitu.notify.channels.installed import CALLBACKS, callback_receiver
from zaitu.notify.domain.callbacks import Call, unsubscribes
from zaitu.notify.domain.delivery import Answer, Channel, Verdict, after
from zaitu.notify.models import Attempt, ClosedWay, Inbound, Message, ReceiptIn
from zaitu.notify.services.callbacks import callback_token
from zaitu.notify.services.delivery import attempt_record

ONE = Taken(ref="1", ours="2", number="13800005678", template="", values={}, sign="")


def call(body: bytes) -> Call:
    return Call(method="POST", query={}, headers={}, body=body, at=make.AT)


# Who may


def test_each_provider_and_installation_has_a_secret_path_of_its_own(settings):
    before = {provider: callback_token(provider) for provider in CALLBACKS}
    assert len(set(before.values())) == len(CALLBACKS)
    assert all(len(token) == 40 for token in before.values())
    assert before == {provider: callback_token(provider) for provider in CALLBACKS}
    settings.SECRET_KEY = "another installation's"
    assert not set(before.values()) & {callback_token(provider) for provider in CALLBACKS}


@pytest.mark.django_db
@pytest.mark.parametrize("provider", [*CALLBACKS, "nobody", "email", "installed"])
@pytest.mark.parametrize("token", ["", "x", "\u00e9", "0" * 40])
def test_whoever_does_not_have_the_secret_path_tells_nothing(provider, token):
    body = json.dumps([CASES["aliyun"].report(ONE), CASES["tencent"].report(ONE)]).encode()
    with pytest.raises(NotFound):
        notify.callback_take(provider=provider, token=token, call=call(body))
    assert not ReceiptIn.objects.exists()


@pytest.mark.django_db
def test_one_providers_path_is_not_anothers():
    with pytest.raises(NotFound):
        notify.callback_take(provider="aliyun", token=callback_token("tencent"), call=call(b"[]"))


@pytest.mark.django_db
@pytest.mark.parametrize("provider", ["wechat", "mini"])
def test_a_provider_that_signs_has_no_secret_path_and_is_refused_unsigned(provider):
    for method in ("GET", "POST"):
        taken = notify.callback_take(
            provider=provider, token="", call=replace(call(b"<xml/>"), method=method)
        )
        assert (taken.status, taken.answer) == (403, "")
    with pytest.raises(NotFound):
        notify.callback_take(provider=provider, token=callback_token(provider), call=call(b"[]"))


def test_the_addresses_are_shown_to_those_who_look_after_webhooks(settings):
    settings.ZAITU_PUBLIC_URL, settings.ZAITU_SMS_PROVIDER = "https://t.example.cn", "aliyun"
    (one,) = notify.callbacks_list(actor=make.staff(Right.WEBHOOKS_MANAGE))
    assert one.url == f"https://t.example.cn/callbacks/aliyun/{callback_token('aliyun')}"
    for nobody in (make.staff(Right.MESSAGES_READ), make.key("C001", Right.WEBHOOKS_MANAGE)):
        with pytest.raises(Forbidden):
            notify.callbacks_list(actor=nobody)
    for other in ("", "cmpp"):
        settings.ZAITU_SMS_PROVIDER = other
        assert notify.callbacks_list(actor=make.SYSTEM) == []


# What they say

NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["success", "out_id", "report_time", "content", "sequence_id", "phone_number", "report_status", "sid",
             "text", "mobile", "time", "nationcode", "user_receive_time", "x"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("provider", CALLBACKS)
@given(document=NONSENSE)
def test_nonsense_is_answered_and_what_is_read_of_it_can_be_stored(provider, document):
    taken = callback_receiver(provider).take(call(json.dumps(document).encode()))
    assert taken.status == 200
    for one in (*taken.receipts, *taken.heard):
        assert 0 < len(one.ref) <= 100
        assert 2000 <= one.at.year < 2100
        assert "\0" not in one.ref


@pytest.mark.parametrize("provider", CALLBACKS)
@pytest.mark.parametrize("body", [b"", b"<xml/>", b"\xff\xfe", b'{"a":', b"[" * 100_000])
def test_what_is_no_json_is_refused_so_that_it_is_repeated(provider, body):
    taken = callback_receiver(provider).take(call(body))
    assert (taken.status, taken.receipts, taken.heard) == (400, (), ())


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_one_broken_row_does_not_lose_the_others(case):
    rows = [case.report(ONE), 7, {"success": "yes", "out_id": "x"}, None, case.report(ONE, **case.failed)]
    receipts = callback_receiver(case.provider).take(call(json.dumps(rows).encode())).receipts
    assert [one.delivered for one in receipts] == [True, False]
    assert receipts[0].at.isoformat() == "2026-11-22T15:20:04+08:00"
    assert receipts[1].note == "运营商未送达：停机"
    assert not receipts[1].gone


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_blacklisted_number_is_gone(case):
    rows = [case.report(ONE, **case.blacklisted)]
    (receipt,) = callback_receiver(case.provider).take(call(json.dumps(rows).encode())).receipts
    assert receipt.gone


def test_what_somebody_else_sent_from_the_same_aliyun_account_is_not_kept():
    rows = [CASES["aliyun"].report(ONE, out_id="")]
    assert callback_receiver("aliyun").take(call(json.dumps(rows).encode())).receipts == ()


# What people write back


@pytest.mark.parametrize(
    "text", ["TD", "td", " T ", "n", "N", "ＴＤ", "Ｔ", "退订", "　退订。", "TD\n", "“TD”", "ｔｄ！"]
)
def test_who_wants_no_more_says_so_in_many_ways(text):
    assert unsubscribes(text)


@pytest.mark.parametrize("text", ["", "TDD", "不退订", "NO", "今天能到吗", "T恤到了吗", "退订吗？我要收货"])
def test_everything_else_is_a_question(text):
    assert not unsubscribes(text)


@pytest.fixture
def told(db, settings, sms_case):
    """One person has been told by SMS."""
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_SMTP_URL = sms_case.provider, "smtp://127.0.0.1:1"
    return lambda **given: write(sms_case, **given)


def write(case, *, phone=PHONE, person="contact:1", **given) -> Message:
    tell(phone=phone, person=person, email="lihua@example.cn", **given)
    now = clock.now()
    (parcel,) = claim(Channel.SMS, slots=1, now=now, lease_until=now + timedelta(seconds=20))
    answer = Answer(verdict=Verdict.TAKEN, note="已接收", ref=f"ref:{parcel.id}")
    step = after(
        answer,
        attempts=1,
        now=now,
        useful_until=parcel.useful_until,
        wait=timedelta(0),
        jitter=0,
    )
    attempt_record(parcel=parcel, provider=case.provider, answer=answer, step=step, started=now, took_ms=1)
    return Message.objects.get(pk=parcel.id)


def heard(case, text, number=PHONE, **given):
    row = case.up(number, text, **given)
    return call_back(case, [row] if case.provider == "aliyun" else row)


def events() -> list[dict]:
    return [row.body for row in OutboxRow.objects.filter(name="notify.person_wrote").order_by("id")]


def test_a_question_is_kept_with_who_asks_and_told_to_whoever_may_hear(told, sms_case):
    message = told(waybill="ZT9")
    assert heard(sms_case, "今天几点到？").status == 200
    row = Inbound.objects.get()
    assert (row.person, row.waybill, row.text, row.address) == ("contact:1", "ZT9", "今天几点到？", PHONE)
    assert (row.unsubscribed, row.provider, row.channel) == (False, sms_case.provider, "sms")
    assert events() == [{"inbound_id": row.pk, "person": "contact:1", "waybill": message.waybill}]
    view = notify.inbound_get(actor=make.staff(Right.MESSAGES_READ), inbound_id=row.pk)
    assert (view.text, view.address) == ("今天几点到？", "138********")
    assert not ClosedWay.objects.exists()


def test_it_is_kept_once_however_often_it_is_told(told, sms_case):
    told()
    for _ in range(3):
        heard(sms_case, "今天几点到？")
    heard(sms_case, "今天几点到？", **sms_case.up_renamed)
    assert Inbound.objects.count() == len(events()) == 2


def test_only_ciphertext_of_it_is_in_the_database(told, sms_case):
    from django.db import connection

    told()
    heard(sms_case, "今天几点到？")
    with connection.cursor() as cursor:
        cursor.execute("SELECT address, text FROM notify_inbound")
        stored = cursor.fetchone()
        cursor.execute("SELECT address, address_index FROM notify_attempt")
        stored += cursor.fetchone()
    assert not any(PHONE in value or "几点" in value for value in stored)


def test_td_closes_sms_for_that_person_and_is_answered_with_nothing(told, sms_case):
    told()
    heard(sms_case, " ｔｄ ")
    closed = ClosedWay.objects.get()
    assert (closed.person, closed.channel, closed.address, closed.why) == (
        "contact:1",
        "sms",
        PHONE,
        "用户退订",
    )
    assert events() == []
    assert Inbound.objects.get().unsubscribed
    tell(fact="later", email="lihua@example.cn")
    assert Message.objects.get(fact="later").channel == "email"


def test_td_stops_what_still_waits_for_that_number(told, sms_case):
    told()
    tell(fact="waits", email="lihua@example.cn")
    tell(fact="alone")
    tell(fact="another", phone="13900001234", email="lihua@example.cn")
    heard(sms_case, "TD")
    found = dict(Message.objects.values_list("fact", "channel"))
    assert (found["waits"], found["another"]) == ("email", "sms")
    alone = Message.objects.get(fact="alone")
    assert (alone.state, alone.note) == ("failed", "用户退订")


def test_td_is_heeded_for_everybody_who_has_been_told_at_that_number(told, sms_case):
    told()
    told(person="contact:2")
    told(person="contact:3", phone="13900001234")
    heard(sms_case, "退订")
    assert set(ClosedWay.objects.values_list("person", flat=True)) == {"contact:1", "contact:2"}


def test_who_asks_is_whom_we_have_last_told_at_that_number(told, sms_case):
    told(waybill="ZT1")
    told(person="contact:2", waybill="ZT2")
    heard(sms_case, "在哪")
    assert (Inbound.objects.get().person, Inbound.objects.get().waybill) == ("contact:2", "ZT2")


def test_who_answers_an_sms_is_known_although_the_message_went_on_by_mail(told, sms_case):
    message = told()
    Message.objects.filter(pk=message.pk).update(channel="email", address="lihua@example.cn")
    heard(sms_case, "在哪")
    assert Inbound.objects.get().person == "contact:1"


def test_a_stranger_is_heard_too(told, sms_case):
    heard(sms_case, "在哪", number="13911112222")
    row = Inbound.objects.get()
    assert (row.person, row.waybill) == ("", "")
    assert events()[0]["person"] == ""
    heard(sms_case, "TD", number="13911112222", **sms_case.up_renamed)
    assert not ClosedWay.objects.exists()


def test_what_was_written_is_blanked_after_its_days_and_deleted_later(told, sms_case, settings):
    told()
    heard(sms_case, "在哪")
    now = clock.now()
    with time_machine.travel(now + timedelta(days=settings.ZAITU_MESSAGE_BLANK_DAYS + 1), tick=False):
        notify.messages_trim(actor=make.SYSTEM)
        row, attempt = Inbound.objects.get(), Attempt.objects.get()
        assert (row.text, row.address, row.person) == ("", "", "contact:1")
        assert (attempt.address, attempt.address_index) == ("", "")
    with time_machine.travel(now + timedelta(days=settings.ZAITU_MESSAGE_KEEP_DAYS + 1), tick=False):
        notify.messages_trim(actor=make.SYSTEM)
        assert not Inbound.objects.exists()


def test_what_an_erased_person_wrote_is_blanked_at_once(told, sms_case):
    told()
    heard(sms_case, "在哪")
    notify.on_contact_erased(ContactErased(contact_id=1))
    row, attempt = Inbound.objects.get(), Attempt.objects.get()
    assert (row.text, row.address) == ("", "")
    assert (attempt.address, attempt.address_index) == ("", "")
    heard(sms_case, "还有", **sms_case.up_renamed)
    assert Inbound.objects.order_by("id").last().person == "", "nobody knows any more whose number it was"


def test_who_answers_is_found_under_an_old_key_and_after_it_was_changed(told, sms_case, settings):
    told()
    new = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    settings.ZAITU_DATA_KEY = f"{new},{settings.ZAITU_DATA_KEY}"
    heard(sms_case, "在哪")
    for _ in notify.keys_rewrite(actor=make.SYSTEM):
        pass
    settings.ZAITU_DATA_KEY = new
    assert Attempt.objects.get().address_index == crypto.blind_index(PHONE, "notify.address")
    heard(sms_case, "在哪", **sms_case.up_renamed)
    assert set(Inbound.objects.values_list("person", flat=True)) == {"contact:1"}


def test_replies_are_for_staff_only(told, sms_case):
    heard(sms_case, "在哪")
    pk = Inbound.objects.get().pk
    for nobody in (make.staff(), make.key("C001", Right.MESSAGES_READ)):
        with pytest.raises(Forbidden):
            notify.inbound_get(actor=nobody, inbound_id=pk)
    with pytest.raises(NotFound):
        notify.inbound_get(actor=make.SYSTEM, inbound_id=pk + 1)


def test_a_receipt_and_a_reply_may_come_in_one_call(told, sms_case):
    message = told()
    mine = Taken(
        ref=f"ref:{message.pk.hex}",
        ours=f"ref:{message.pk.hex}",
        number=PHONE,
        template="",
        values={},
        sign="",
    )
    call_back(sms_case, [sms_case.up(PHONE, "在哪"), sms_case.report(mine)])
    assert (Inbound.objects.count(), Message.objects.get().state) == (1, "delivered")
    assert reported(sms_case, mine).status == 200
