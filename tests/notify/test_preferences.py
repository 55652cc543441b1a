"""What a person wants to be told, how, and when: pure rules."""

from datetime import datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.preferences import (
    DISTURBING,
    STORM_FROM,
    Preference,
    Topic,
    preference_checked,
    quiet,
    storms,
    wants,
    when,
)
from zaitu.notify.domain.ways import Urgency

CHINA = timezone(timedelta(hours=8))
DAY = datetime(2026, 11, 27, 12, 0, tzinfo=CHINA)
NIGHT = datetime(2026, 11, 27, 23, 30, tzinfo=CHINA)


def told(preference, now, *, urgency=Urgency.USUAL, channel=Channel.SMS):
    return when(preference, urgency=urgency, channel=channel, now=now)


def test_at_night_a_phone_stays_silent_until_eight():
    one = told(Preference(), NIGHT)
    assert (one.at, one.why) == (datetime(2026, 11, 28, 8, 0, tzinfo=CHINA), "免打扰时段，08:00 发送")


def test_mail_and_what_is_urgent_heed_no_quiet_hours():
    assert told(Preference(), NIGHT, channel=Channel.EMAIL).at == NIGHT
    assert told(Preference(), NIGHT, urgency=Urgency.URGENT).at == NIGHT


def test_quiet_hours_may_lie_within_a_day_or_not_be_at_all():
    nap = Preference(quiet_from=time(12), quiet_until=time(14))
    assert told(nap, DAY).at == DAY.replace(hour=14)
    none = Preference(quiet_from=time(0), quiet_until=time(0))
    assert told(none, NIGHT).at == NIGHT


def test_what_may_wait_is_gathered_for_the_next_digest_and_the_rest_is_not():
    preference = Preference(digests=(time(9), time(18)))
    assert told(preference, DAY, urgency=Urgency.LATER).at == DAY.replace(hour=18)
    assert told(preference, NIGHT, urgency=Urgency.LATER).at == datetime(2026, 11, 28, 9, 0, tzinfo=CHINA)
    assert not told(preference, DAY).gathered


def test_a_topic_that_is_switched_off_is_not_told_unless_it_is_urgent():
    preference = Preference(off=frozenset({Topic.PROGRESS}))
    assert not wants(preference, Kind.STOP, Urgency.LATER)
    assert wants(preference, Kind.SIGNED, Urgency.USUAL)
    assert wants(preference, Kind.STOP, Urgency.URGENT)


def test_the_first_few_of_a_kind_come_one_by_one_and_the_rest_together():
    assert storms(STORM_FROM - 1, Urgency.USUAL, DAY) is None
    later = storms(STORM_FROM, Urgency.USUAL, DAY)
    assert later is not None
    assert later.gathered
    assert DAY < later.at <= DAY + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Preference(channels=(Channel.WEBHOOK,)), "channels"),
        (Preference(language="fr"), "language"),
        (Preference(digests=(time(23),)), "digests"),
        (Preference(digests=tuple(time(hour) for hour in range(9, 14))), "digests"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_refused(wanted, field):
    with pytest.raises(Invalid) as refused:
        preference_checked(wanted)
    assert set(refused.value.fields) == {field}


def test_a_wish_is_kept_without_repeats_and_in_order():
    kept = preference_checked(
        Preference(channels=(Channel.SMS, Channel.EMAIL, Channel.SMS), digests=(time(18), time(9), time(18)))
    )
    assert kept.channels == (Channel.SMS, Channel.EMAIL)
    assert kept.digests == (time(9), time(18))


TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(
    start=TIMES,
    end=TIMES,
    minute=st.integers(0, 60 * 24 * 3),
    urgency=st.sampled_from(Urgency),
    channel=st.sampled_from(Channel),
)
def test_nothing_that_disturbs_is_told_in_quiet_hours_nor_put_off_by_more_than_a_day(
    start, end, minute, urgency, channel
):
    preference, now = Preference(quiet_from=start, quiet_until=end), DAY + timedelta(minutes=minute)
    at = told(preference, now, urgency=urgency, channel=channel).at
    assert now <= at <= now + timedelta(days=1)
    if urgency is not Urgency.URGENT and channel in DISTURBING:
        assert not quiet(preference, at.time())
