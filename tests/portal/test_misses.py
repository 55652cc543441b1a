"""Who asks for what does not exist: counted over all web processes."""

import pytest

from zaitu.kernel.errors import RateLimited
from zaitu.portal import misses as rules
from zaitu.portal.misses import Misses

pytestmark = pytest.mark.django_db
THERE = "192.0.2.7"


def test_the_misses_of_all_processes_are_one_count():
    one, other = Misses(), Misses()
    for process in (one, other) * (rules.MISSES // 2):
        process.count(THERE)
        process.refuse(THERE)
    other.count(THERE)
    with pytest.raises(RateLimited) as refused:
        other.refuse(THERE)
    assert 0 < refused.value.retry_after_s <= rules.MISSES_WINDOW_S + 1
    one.refuse(THERE)
    one.count(THERE)
    with pytest.raises(RateLimited):
        one.refuse(THERE)
    one.refuse("192.0.2.8")


def test_an_address_whose_time_is_over_is_forgotten_also_when_it_never_comes_back(monkeypatch):
    process = Misses()
    now = rules.time.monotonic()
    process.blocked |= {THERE: now + 1.5, "192.0.2.8": now + 60}
    assert process.any_blocked()
    monkeypatch.setattr(rules.time, "monotonic", lambda: now + 2)
    assert process.any_blocked()
    assert set(process.blocked) == {"192.0.2.8"}
    monkeypatch.setattr(rules.time, "monotonic", lambda: now + 61)
    assert not process.any_blocked()
