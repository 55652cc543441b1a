"""Staff set how a person wants to be told, from the shipment they are asked about."""

import re
from typing import get_args

import pytest

from tests.console import make
from tests.notify import make as notices
from zaitu.access.models import AuditEntry
from zaitu.console import words
from zaitu.notify import public as notify
from zaitu.notify.domain.delivery import Channel, State
from zaitu.notify.models import Attempt, ClosedWay, Message, PersonPreference
from zaitu.notify.services.ways import receipts_take, way_close
from zaitu.portal.api.schemas import NewWebhook

pytestmark = pytest.mark.django_db
PATH = "/console/people/contact:1/notices"
USUAL = {"topics": ["progress", "arrival"], "digest": ""}


def test_a_shipment_s_messages_lead_to_the_settings_of_whom_they_were_for():
    world = make.world()
    page = make.signed_in("service").get(f"/console/shipments/{world.waybill}").content.decode()
    person = Message.objects.filter(waybill=world.waybill).values_list("person", flat=True)[0]
    assert f"/console/people/{person}/notices?from={world.waybill}" in page


def test_what_staff_save_is_kept_and_said_to_be_theirs():
    client = make.signed_in("service")
    saved = client.post(f"{PATH}?from=ZT1", USUAL | {"topics": ["arrival"]})
    assert (saved.status_code, saved["Location"]) == (302, f"{PATH}?from=ZT1")
    assert PersonPreference.objects.get().off == ["progress"]
    view = notify.preference_of(actor=notices.SYSTEM, person="contact:1")
    assert view.by_staff


def test_what_cannot_be_is_said_at_the_field():
    page = make.signed_in("service").post(
        PATH, USUAL | {"quiet": "on", "quiet_from": "x", "quiet_until": "y"}
    )
    assert page.status_code == 422
    assert "请把时间写成 22:00 这样" in page.content.decode()


def test_a_closed_way_is_taken_up_again_and_recorded():
    way_close(person="contact:1", channel=Channel.SMS, address="13800005678", why="用户退订")
    client = make.signed_in("service")
    assert "短信已退订或无法送达" in client.get(PATH).content.decode()
    client.post(PATH, {"open": "sms"})
    assert not ClosedWay.objects.exists()
    assert AuditEntry.objects.filter(action="way.open", subject="contact:1").count() == 1
    assert client.post(PATH, {"open": "pigeon"}).status_code == 404


@pytest.mark.parametrize("role", ["warehouse", "driver", "finance"])
def test_who_may_not_change_customers_may_not_change_this(role):
    assert make.signed_in(role).post(PATH, USUAL).status_code == 403
    assert not PersonPreference.objects.exists()


@pytest.mark.parametrize("person", ["endpoint:1", "robot:1", "nobody"])
def test_only_people_have_settings(person):
    assert make.signed_in("service").get(f"/console/people/{person}/notices").status_code == 404


def test_every_state_channel_and_kind_has_words_in_the_console():
    for state in State:
        assert words.notice_state(state.value)
    for channel in Channel:
        assert words.channel_name(channel.value)
    for kind in notify.Kind:
        assert words.notice_name(kind.value)


def test_tries_and_their_receipts_are_shown_with_the_message():
    world = make.world()
    message = Message.objects.filter(waybill=world.waybill).first()
    for number, (verdict, ref) in enumerate((("never", ""), ("taken", "r1"))):
        message_try(message, verdict, ref, number)
    receipts_take(
        provider="aliyun",
        receipts=[notices.receipt("r1", delivered=False, note="号码停机")],
    )
    page = make.signed_in("service").get(f"/console/shipments/{world.waybill}").content.decode()
    assert "试过 2 次" in page
    assert "回执：未送达 · 号码停机" in page


def message_try(message, verdict, ref, number):
    Attempt.objects.create(
        message=message, at=notices.AT, took_ms=5, verdict=verdict, channel="sms", provider="aliyun", ref=ref,
        answer=f"答复{number}",
    )  # fmt: skip


def test_every_door_offers_every_kind_that_a_system_can_be_told():
    offered = {kind.value for kind in notify.ENDPOINT_KINDS}
    page = make.signed_in("administrator").get("/console/webhooks").content.decode()
    assert set(re.findall('name="kinds" value="([a-z]+)"', page)) == offered
    kinds = NewWebhook.model_fields["kinds"].annotation
    assert set(get_args(get_args(kinds)[0])) == offered


@pytest.mark.parametrize("kind", sorted(set(notify.Kind) - set(notify.ENDPOINT_KINDS)))
def test_a_system_that_hears_everything_hears_nothing_said_to_one_person(kind, settings):
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    notices.endpoint("http://127.0.0.1:9/")
    notify.tell(actor=notices.SYSTEM, notice=notices.notice(kind=kind.value, customer_code="C001"))
    assert not Message.objects.exists()
