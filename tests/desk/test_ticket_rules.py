"""The life of a ticket and its clock: pure."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zaitu.desk.domain.ratings import REASONS, Band, band_of, rating_checked, rating_words
from zaitu.desk.domain.requests import FIELDS, Change, change_checked, change_words
from zaitu.desk.domain.tickets import MOVES, PROMISE, TABLE, Event, State, What, after, standing
from zaitu.kernel.errors import Invalid, RuleBroken

T0 = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def log(*steps):
    """`(minute, what)` as events."""
    return [Event(what=What(what), at=T0 + minute * MINUTE) for minute, what in steps]


@pytest.mark.parametrize(("state", "what"), sorted(set(product(State, MOVES)) - set(TABLE)))
def test_what_the_table_does_not_allow_is_refused(state, what):
    with pytest.raises(RuleBroken):
        after(state, what)


def test_the_clock_runs_from_the_first_word_that_nobody_has_answered():
    found = standing(log((0, "said"), (20, "said")))
    assert (found.state, found.waiting_since, found.due_at) == (State.OPEN, T0, T0 + PROMISE)


def test_an_answer_stops_the_clock_and_the_next_word_starts_it_anew():
    found = standing(log((0, "said"), (30, "answered"), (40, "said"), (50, "said")))
    assert found.state is State.OPEN
    assert found.waiting_since == T0 + 40 * MINUTE
    assert [answer.in_time for answer in found.answers] == [True]


@pytest.mark.parametrize(("minute", "in_time"), [(60, True), (61, False)])
def test_an_answer_is_in_time_up_to_the_hour(minute, in_time):
    assert standing(log((0, "said"), (minute, "answered"))).answers[0].in_time is in_time


def test_a_word_after_closing_opens_the_ticket_again_and_one_of_ours_does_not():
    closed = [(0, "said"), (5, "answered"), (6, "closed")]
    assert standing(log(*closed, (9, "answered"))).state is State.CLOSED
    again = standing(log(*closed, (9, "said")))
    assert (again.state, again.waiting_since) == (State.REOPENED, T0 + 9 * MINUTE)


def test_notes_and_hands_move_nothing():
    assert standing(log((0, "said"), (1, "noted"), (2, "taken"))) == standing(log((0, "said")))


def test_another_calendar_gives_another_deadline():
    found = standing(log((0, "said")), calendar=lambda since, promised: since + 3 * promised)
    assert found.due_at == T0 + 3 * PROMISE


STEPS = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(What)), max_size=40)


@given(STEPS)
def test_whatever_happens_somebody_waits_exactly_when_the_customer_spoke_last(steps):
    minute, events, state = 0, [Event(what=What.SAID, at=T0)], State.OPEN
    for wait, what in steps:
        minute += wait
        if what in MOVES and (state, what) not in TABLE:
            continue
        state = TABLE.get((state, what), state)
        events.append(Event(what=what, at=T0 + minute * MINUTE))
    found = standing(events)
    last = next(event for event in reversed(events) if event.what in MOVES - {What.REOPENED})
    assert (found.waiting_since is not None) == (last.what is What.SAID)
    assert found.state is state
    assert found.due_at == (found.waiting_since and found.waiting_since + PROMISE)
    assert all(answer.asked_at <= answer.answered_at for answer in found.answers)


# Requests

TODAY = date(2026, 11, 22)
GOOD = {
    Change.TIME: {"day": "2026-11-23", "slot": "morning"},
    Change.ADDRESS: {"address": "青白江区城厢镇 8 号"},
    Change.RECEIVER: {"name": "李华", "phone": "138 0000 5678"},
    Change.CONTACTLESS: {"place": "门口鞋柜"},
    Change.PICKUP: {"day": "2026-11-22"},
}


@pytest.mark.parametrize("change", Change)
def test_a_request_keeps_the_fields_it_needs_and_no_others(change):
    everything = {name: text for fields in GOOD.values() for name, text in fields.items()}
    found, kept = change_checked(change.value, {**everything, **GOOD[change], "price": "0"}, today=TODAY)
    assert found is change
    assert set(kept) == set(FIELDS[change])
    assert change_words(change, kept)


@pytest.mark.parametrize("change", Change)
def test_a_request_names_every_field_that_is_missing(change):
    with pytest.raises(Invalid) as refused:
        change_checked(change.value, {}, today=TODAY)
    assert set(refused.value.fields) == set(FIELDS[change])


@pytest.mark.parametrize("day", ["2026-11-21", "2026-12-23", "morgen", "", "9999-99-99"])
def test_a_day_that_is_past_far_or_none_is_refused(day):
    with pytest.raises(Invalid) as refused:
        change_checked("pickup", {"day": day}, today=TODAY)
    assert "day" in refused.value.fields


def test_an_unknown_request_and_a_wrong_phone_are_refused():
    with pytest.raises(Invalid):
        change_checked("price", {}, today=TODAY)
    with pytest.raises(Invalid) as refused:
        change_checked("receiver", {"name": "李华", "phone": "123"}, today=TODAY)
    assert refused.value.fields == {"phone": "请填写正确的手机号"}


# Ratings


@pytest.mark.parametrize(("stars", "band"), [(1, "bad"), (2, "bad"), (3, "fair"), (4, "good"), (5, "good")])
def test_stars_have_bands(stars, band):
    assert band_of(stars) == band


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_other_stars_are_none(stars):
    with pytest.raises(Invalid):
        rating_checked(stars, (), "")


@given(st.integers(1, 5), st.lists(st.text(max_size=10)), st.text(max_size=100))
def test_a_rating_keeps_only_reasons_of_its_band(stars, reasons, text):
    known = REASONS[band_of(stars)]
    kept, said = rating_checked(stars, [*reasons, *known, "on_time", "late"], text)
    assert list(kept) == list(known)
    assert rating_words(stars, kept, said).startswith(f"评价 {stars} 星")


def test_a_long_text_is_refused():
    with pytest.raises(Invalid):
        rating_checked(5, (), "好" * 501)


def test_every_band_has_reasons():
    assert set(REASONS) == set(Band)
    assert all(REASONS.values())
