"""Signing in after a cut: many at once, each with its own answer."""

import asyncio
from datetime import timedelta

import pytest

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry.codecs.jt808.profiles import STANDARD
from zaitu.telemetry.gateway.signin import SignIns
from zaitu.telemetry.models import Terminal, UnknownTerminal
from zaitu.telemetry.services.terminals import Registrant, terminal_register, terminals_authenticate
from zaitu.telemetry.services.threads import Threads


def registered() -> tuple[str, str]:
    number, _, _ = make.terminal()
    _, code = terminal_register(
        Registrant(terminal=number, version="2013", device_id=number), now=clock.now()
    )
    return number, code


@pytest.mark.django_db
def test_each_terminal_has_its_own_code_and_a_crowd_costs_two_statements(django_assert_num_queries):
    crowd = [registered() for _ in range(6)]
    wrong = [(crowd[0][0], crowd[1][1]), (crowd[1][0], "")]
    never, _, _ = make.terminal()
    now = clock.now() + timedelta(seconds=5)
    with django_assert_num_queries(2):
        found = terminals_authenticate([*crowd[2:], *wrong, (never, "")], now=now)
    assert found == [STANDARD] * 4 + [None] * 3
    seen = Terminal.objects.filter(last_seen_at=now).values_list("terminal", flat=True)
    assert set(seen) == {number for number, _ in crowd[2:]}


@pytest.mark.django_db
def test_a_stranger_is_noted_once_whatever_it_says_and_how_often():
    assert terminals_authenticate([("19900000000", "a"), ("19900000000", "b")], now=clock.now()) == [
        None,
        None,
    ]
    assert UnknownTerminal.objects.get().terminal == "19900000000"


@pytest.mark.django_db(transaction=True)
def test_a_thousand_that_ask_at_once_are_looked_up_in_a_few_bunches(monkeypatch):
    crowd = [registered() for _ in range(20)]
    looked_up = []

    def counted(claims, *, now):
        looked_up.append(len(claims))
        return terminals_authenticate(claims, now=now)

    monkeypatch.setattr("zaitu.telemetry.services.terminals.terminals_authenticate", counted)

    async def storm():
        threads = Threads(2, "test")
        try:
            sign_ins = SignIns(threads)
            return await asyncio.gather(*[sign_ins.right(number, code) for number, code in crowd * 50])
        finally:
            threads.close()

    assert asyncio.run(storm()) == [STANDARD] * 1000
    assert looked_up == [500, 500]
