"""What each answer leads to: pure rules."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.notify import make
from zaitu.notify.domain.delivery import SCHEDULE, TABLE, Answer, State, Verdict, after, rest
from zaitu.notify.domain.notices import DATA, Kind, tidy, useful_until
from zaitu.notify.domain.payload import BODY_MAX, body
from zaitu.notify.domain.views import email_masked
from zaitu.notify.domain.words import SUBJECT_MAX, words

NOW = make.AT
FAR = NOW + timedelta(days=30)


def step(verdict, *, attempts=1, useful=FAR, wait=timedelta(0), jitter=0.0):
    answer = Answer(verdict=verdict, note="")
    return after(answer, attempts=attempts, now=NOW, useful_until=useful, wait=wait, jitter=jitter)


def test_every_verdict_has_its_state():
    assert set(TABLE) == set(Verdict)


def test_the_published_schedule_is_followed():
    waits = [step(Verdict.RETRY, attempts=n).next_at - NOW for n in range(1, 10)]
    assert waits == [
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
    ]


def test_after_the_tenth_try_it_is_given_up():
    assert step(Verdict.RETRY, attempts=10).state is State.GIVEN_UP


def test_the_whole_schedule_fits_into_the_time_a_webhook_is_of_use():
    assert sum(SCHEDULE, timedelta()) * 1.1 <= useful_until(Kind.STOP, by_webhook=True, since=NOW) - NOW


def test_jitter_puts_a_retry_off_by_a_tenth_at_most():
    assert step(Verdict.RETRY, attempts=2, jitter=1.0).next_at - NOW == timedelta(minutes=5, seconds=30)


def test_a_pause_keeps_the_retries():
    paused = step(Verdict.PAUSE, attempts=3, wait=timedelta(seconds=40))
    assert (paused.state, paused.attempts, paused.next_at - NOW) == (State.QUEUED, 2, timedelta(seconds=40))


def test_a_retry_waits_for_its_way_to_be_free():
    assert step(Verdict.RETRY, wait=timedelta(minutes=2)).next_at - NOW == timedelta(minutes=2)


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.PAUSE])
def test_what_would_come_too_late_is_given_up(verdict):
    late = step(verdict, attempts=3, useful=NOW + timedelta(seconds=1), wait=timedelta(seconds=2))
    assert late.state is State.GIVEN_UP


def test_soon_is_of_no_use_after_two_hours():
    assert useful_until(Kind.SOON, by_webhook=False, since=NOW) == NOW + timedelta(hours=2)


def test_a_way_rests_longer_after_each_failure_up_to_five_minutes():
    assert [rest(n).total_seconds() for n in (1, 2, 3, 4, 7, 60)] == [5, 10, 20, 40, 300, 300]


def test_a_way_rests_as_long_as_it_asked_for_but_not_for_ever():
    assert rest(1, 90) == timedelta(seconds=90)
    assert rest(1, 10**9) == timedelta(hours=6)
    assert rest(1, 0) == timedelta(seconds=1)


@settings(deadline=None)
@given(data=st.dictionaries(st.sampled_from(DATA), st.text() | st.integers() | st.floats() | st.none()))
def test_no_facts_make_a_body_too_large(data):
    stretched = {key: value * 400 if isinstance(value, str) else value for key, value in data.items()}
    assert len(body(Kind.STOP, waybill="ZT1", data=tidy(stretched, DATA), at=NOW).encode()) < BODY_MAX


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "params", [{}, {"place": "武汉中转站", "eta": "11月23日 15:20–16:00", "signed_by": "本人签收"}]
)
def test_words_say_the_fact_without_codes_or_gaps(kind, params):
    told = words(kind, waybill="ZT1234567890123", params=params, at=NOW)
    text = " ".join([told.subject, told.headline, *(value for line in told.lines for value in line)])
    for wrong in ("None", "{", "}", kind.value, "从发车", "预计送达", "（）"):
        assert wrong not in text
    assert told.headline.endswith("。")
    assert len(told.headline) <= 70
    assert len(told.subject) <= SUBJECT_MAX


def test_a_departure_reads_well():
    told = words(
        Kind.DEPARTED, waybill="ZT1", params={"place": "武汉中转站", "eta": "11月23日 15:20–16:00"}, at=NOW
    )
    assert told.headline == "您的货物已从武汉中转站发车，预计11月23日 15:20–16:00送达。"


@pytest.mark.parametrize(
    ("address", "shown"),
    [("lihua@example.cn", "li***@example.cn"), ("li@a.cn", "l***@a.cn"), ("nonsense", "***"), ("", "***")],
)
def test_addresses_are_masked(address, shown):
    assert email_masked(address) == shown
