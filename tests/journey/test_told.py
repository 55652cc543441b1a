"""What people hear besides the steps: what is wrong, and an ETA that no longer holds."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journey import make
from tests.journey.test_eta_timer import on_the_road, position, refresh, row_of
from tests.notify import make as notices
from zaitu.journey import public as journey
from zaitu.journey.domain import eta as etas
from zaitu.journey.domain.words import span
from zaitu.journey.models import Shipment
from zaitu.notify.models import Message

NOW = notices.AT


def window(start, end):
    return etas.Window(eta=NOW + start, eta_from=NOW + start, eta_to=NOW + end)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "tells"),
    [
        (1 * HOUR, 2 * HOUR, False),
        (1.9 * HOUR, 2.9 * HOUR, False),
        (2 * HOUR, 3 * HOUR, True),
        (-0.9 * HOUR, 0.5 * HOUR, False),
        (-1 * HOUR, 0 * HOUR, True),
    ],
)
def test_people_hear_of_an_hour_later_or_two_hours_earlier(start, end, tells):
    assert etas.corrects((NOW + HOUR, NOW + 2 * HOUR), window(start, end)) is tells


@given(st.lists(st.integers(-300, 300), max_size=60))
def test_an_eta_that_wavers_by_less_than_an_hour_is_told_once(minutes):
    told, corrections = (NOW, NOW + HOUR), 0
    for minute in minutes:
        new = window(timedelta(minutes=minute % 59), timedelta(minutes=minute % 59) + HOUR)
        if etas.corrects(told, new):
            corrections += 1
            told = new.eta_from, new.eta_to
    assert corrections == 0


on_a_line = pytest.mark.usefixtures("carrier")


@pytest.fixture
def carrier(db):
    make.carrier()


def heard(waybill, kind):
    return [
        json.loads(words)
        for words in Message.objects.filter(waybill=waybill, purpose=kind)
        .order_by("created_at")
        .values_list("words", flat=True)
    ]


@on_a_line
def test_a_truck_that_falls_behind_is_told_with_the_time_before_and_why():
    waybill, trip = on_the_road(timedelta(hours=5))
    before = row_of(waybill)
    assert (before.told_from, before.told_to) == (before.eta_from, before.eta_to)
    Message.objects.all().delete()
    position(trip, 0.0)
    refresh()
    (correction,) = heard(waybill, "correction")  # the consignor has no address
    assert correction["cause"] == "路上比预计慢"
    assert correction["was"] == span(before.told_from, before.told_to) != correction["eta"]
    after = row_of(waybill)
    assert (after.told_from, after.told_to) == (after.eta_from, after.eta_to)
    refresh()
    assert len(heard(waybill, "correction")) == 1


@on_a_line
def test_what_was_never_told_is_not_corrected():
    waybill, trip = on_the_road(timedelta(hours=5))
    Shipment.objects.update(told_from=None, told_to=None)
    Message.objects.all().delete()
    position(trip, 0.0)
    refresh()
    assert heard(waybill, "correction") == []


@on_a_line
def test_a_problem_is_told_with_its_cause_what_is_done_and_the_eta_but_nobody_s_fault():
    waybill, _trip = on_the_road()
    make.scan("problem", waybill, make.ORIGIN, data={"reason": "damaged"})
    told = heard(waybill, "exception")
    assert len(told) == 1
    assert told[0]["cause"] == "货物破损"
    assert told[0]["plan"] == "已安排专人核实，将尽快给出处理方案"
    assert told[0]["eta"]
    assert "carrier" not in json.dumps(told)
    (message,) = Message.objects.filter(waybill=waybill, purpose="exception")
    assert message.urgency == 0


@on_a_line
@pytest.mark.parametrize("problem", ["over", "wrong_goods"])
def test_what_staff_have_to_sort_out_first_is_not_told(problem):
    waybill, _trip = on_the_road()
    make.scan("problem", waybill, make.ORIGIN, data={"reason": problem})
    assert heard(waybill, "exception") == []


@on_a_line
def test_a_problem_told_again_or_solved_at_once_is_told_once_or_not():
    waybill, _trip = on_the_road()
    draft = make.draft("problem", waybill, make.ORIGIN, data={"reason": "held"})
    first, again = (journey.scan_record(actor=make.TEST, draft=draft) for _ in range(2))
    assert (first.level, again.duplicate) == ("ok", True)
    assert len(heard(waybill, "exception")) == 1


@on_a_line
def test_an_eta_after_the_signature_is_nobody_s_business():
    waybill, _trip = on_the_road(timedelta(hours=5))
    make.scan("unloaded", waybill, make.DESTINATION)
    before = len(heard(waybill, "correction"))
    make.sign(waybill)
    refresh()
    assert len(heard(waybill, "correction")) == before
