"""The record of calls at the console, and the panel of callers who wait."""

import asyncio
import json
from datetime import timedelta

import pytest

from tests.console import make
from tests.personal import readable
from zaitu.console.calls import live as calls_live
from zaitu.console.home.questions import by_channel
from zaitu.hotline import public as hotline
from zaitu.hotline.models import Call
from zaitu.kernel import clock
from zaitu.kernel.bus import BusServer, tell
from zaitu.kernel.principal import system

pytestmark = pytest.mark.django_db

WAYBILL = "ZT0000000000000"
ACTOR = system("agi")


def rang(call_id="c1", *, caller="13812345678", outcome=hotline.Outcome.PERSON, **more):
    """A call of one turn."""
    turn = hotline.Turn(
        **(
            {
                "state": {"step": "over"},
                "reply": {"say": "收货人姓王"},
                "waybill": WAYBILL,
                "told": (WAYBILL,),
                "verified": "caller",
                "asked": ("status", "person"),
                "why": "asked" if outcome is hotline.Outcome.PERSON else "",
                "outcome": outcome,
                "role": "consignee",
            }
            | more
        )
    )
    hotline.call_turn(
        actor=ACTOR, door="agi", call_id=call_id, caller=caller, converse=lambda _state, _caller, _call: turn
    )
    return Call.objects.get(call_id=call_id)


def test_the_panel_says_who_calls_about_what_and_how_far_they_are_verified():
    rang()
    page = make.signed_in("service").get("/console/calls/waiting").content.decode()
    for said in ("138********", "收货人", "来电号码", WAYBILL, "状态", "要求人工", "我来接"):
        assert said in page
    assert f'href="/console/shipments/{WAYBILL}"' in page
    assert readable(page, "13812345678", "姓王") == []


def test_the_panel_is_empty_while_nobody_waits_and_forgets_who_waited_too_long():
    rang("served", outcome=hotline.Outcome.SERVED)
    rang("old")
    Call.objects.filter(call_id="old").update(handed_at=clock.now() - timedelta(minutes=31))
    assert make.signed_in("service").get("/console/calls/waiting").content.decode().strip() == ""


def test_who_takes_a_call_comes_to_its_shipment_and_a_colleague_is_told():
    call = rang()
    mine, other = make.signed_in("service"), make.signed_in("manager")
    answer = mine.post(f"/console/calls/{call.pk}/take", {"waybill": WAYBILL})
    assert (answer.status_code, answer["Location"]) == (302, f"/console/shipments/{WAYBILL}")
    late = other.post(f"/console/calls/{call.pk}/take", {"waybill": WAYBILL}, follow=True)
    assert "同事已经接起" in late.content.decode()
    taken = Call.objects.get(pk=call.pk)
    assert taken.taken_at is not None


def test_a_call_about_nothing_leads_to_the_list():
    call = rang(waybill="", told=(), verified="")
    answer = make.signed_in("service").post(f"/console/calls/{call.pk}/take", {"waybill": "https://evil"})
    assert answer["Location"] == "/console/calls"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", {"a", "b", "c"}),
        ("outcome=person", {"a"}),
        ("outcome=served", {"b"}),
        ("verified=no", {"c"}),
        ("verified=tail", {"b"}),
        (f"waybill={WAYBILL[2:]}", {"a", "b"}),
        ("waybill=nonsense", set()),
        ("from=2026-01-01&to=2026-01-02", set()),
        ("from=nonsense&verified=nonsense&outcome=nonsense", {"a", "b", "c"}),
    ],
)
def test_the_record_is_filtered(filters, found):
    rang("a")
    rang("b", outcome=hotline.Outcome.SERVED, verified="tail")
    rang("c", outcome=hotline.Outcome.LEFT, verified="", waybill="", told=())
    page = make.signed_in("service").get(f"/console/calls?{filters}")
    assert {row["call"].call_id for row in page.context["rows"]} == found


def test_the_figures_are_of_what_was_filtered():
    rang("a")
    rang("b", outcome=hotline.Outcome.SERVED)
    rang("c", outcome=hotline.Outcome.SERVED)
    figures = make.signed_in("manager").get("/console/calls").context["figures"]
    assert (figures["calls"], figures["served"], figures["handed"], figures["share"]) == (3, 2, 1, 67)
    assert figures["answer_s"] == 0


@pytest.mark.parametrize("role", make.ROLES)
def test_only_who_speaks_with_customers_sees_calls(role):
    call = rang()
    client = make.signed_in(role)
    allowed = role in {"service", "manager", "administrator"}
    for address in ("/console/calls", "/console/calls/waiting"):
        assert client.get(address).status_code == (200 if allowed else 403), address
    if not allowed:
        assert client.post(f"/console/calls/{call.pk}/take").status_code == 403
    assert (b"calls-waiting" in client.get("/console/").content) == allowed


def test_hostile_words_in_a_call_are_shown_as_words():
    rang("<script>alert(1)</script>", waybill="<b>", told=("<b>",))
    page = make.signed_in("service").get("/console/calls").content.decode()
    assert "<script>alert(1)" not in page
    assert "<b>&" not in page


def test_the_stream_tells_when_somebody_begins_to_wait(settings, monkeypatch):
    monkeypatch.setattr(calls_live, "LOOK_S", 0.05)

    async def first_event():
        async with BusServer(settings.ZAITU_BUS_PATH):
            stream = calls_live._changes()
            assert await anext(stream) == b"retry: 2000\n\n"
            for _ in range(40):
                await asyncio.to_thread(tell, settings.ZAITU_BUS_PATH, hotline.TOPIC, {"call": 1})
                try:
                    return await asyncio.wait_for(anext(stream), 0.5)
                except TimeoutError:
                    stream = calls_live._changes()
                    await anext(stream)
            raise AssertionError("nothing was told")

    told = asyncio.run(first_event())
    assert told.startswith(b"event: calls\n")
    assert json.loads(told.split(b"data: ")[1]) == {}


def test_strangers_hear_nothing_of_calls():
    from django.test import Client

    assert Client().get("/console/calls/live").status_code == 401
    assert make.signed_in("driver").get("/console/calls/live").status_code == 403


def test_the_health_page_shows_questions_by_channel():
    from zaitu.portal import asked

    before = {one.name: one.answered for one in by_channel()}
    for _ in range(3):
        asked.asked(asked.HOTLINE, asked.ANSWERED, 0.02)
    asked.asked(asked.HOTLINE, asked.PERSON, 1)
    page = make.signed_in("administrator").get("/console/health")
    line = next(one for one in page.context["channels"] if one.name == "热线")
    assert line.answered == before.get("热线", 0) + 3
    assert line.share is not None
    assert "毫秒内" in line.half_s
    assert "热线" in page.content.decode()


def test_a_call_centre_gets_a_key_for_calls_alone_and_is_no_carrier():
    from zaitu.access.public import keys_list
    from zaitu.journey.public import partner_names

    client = make.signed_in("administrator")
    form = {"partner": "云呼叫中心", "partner_name": "热线", "partner_for": "hotline", "partner_rate": "600"}
    page = client.post("/console/keys/partner", form).content.decode()
    (key,) = keys_list(actor=system("tests")).rows
    assert (key.partner, key.scopes) == ("云呼叫中心", ("hotline",))
    assert "接听热线" in page
    assert partner_names(actor=system("tests")) == []
