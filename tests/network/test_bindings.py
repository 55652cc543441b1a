"""Which terminal is in which vehicle, from when to when."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network import make
from zaitu.access.public import audit_list
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Kind, Principal, Right, anyone
from zaitu.network import public as network
from zaitu.network.domain.bindings import Stay, stay_added
from zaitu.network.models import TerminalBinding

HOUR = timedelta(hours=1)
TERMINAL = "13800001111"


def stays():
    return [(binding.plate, binding.from_at, binding.to_at) for binding in network.bindings_of([TERMINAL])]


@pytest.fixture
def vehicles(db):
    return make.vehicle("沪A11111"), make.vehicle("沪B22222")


def test_a_moved_terminal_leaves_the_vehicle_it_was_in(vehicles):
    make.bind(TERMINAL, "沪A11111", make.AT)
    make.bind(TERMINAL, "沪B22222", make.AT + HOUR)
    assert stays() == [("沪A11111", make.AT, make.AT + HOUR), ("沪B22222", make.AT + HOUR, None)]


def test_binding_again_where_it_is_changes_nothing_and_is_not_audited(vehicles):
    make.bind(TERMINAL, "沪A11111", make.AT)
    make.bind(TERMINAL, "沪A11111", make.AT + HOUR)
    assert stays() == [("沪A11111", make.AT, None)]
    assert audit_list(actor=make.TEST, subject=f"terminal:{TERMINAL}", page=1).total == 1


def test_leading_zeros_do_not_make_another_terminal(vehicles):
    make.bind("0" + TERMINAL, "沪A11111", make.AT)
    assert [binding.terminal for binding in network.bindings_of([TERMINAL])] == [TERMINAL]


def test_terminals_called_by_a_packed_imei_are_bound_too(vehicles):
    make.bind("4F07788EF676", "沪A11111", make.AT)
    assert [binding.plate for binding in network.bindings_of(["4f07788ef676"])] == ["沪A11111"]


def test_an_earlier_stay_than_the_present_one_is_refused_with_what_is_in_the_way(vehicles):
    make.bind(TERMINAL, "沪A11111", make.AT)
    with pytest.raises(Conflict, match="2026-11-22 08:00 起已装在 沪A11111"):
        make.bind(TERMINAL, "沪B22222", make.AT - HOUR)
    assert stays() == [("沪A11111", make.AT, None)]


def test_a_terminal_taken_out_can_go_elsewhere_later(vehicles):
    make.bind(TERMINAL, "沪A11111", make.AT)
    network.terminal_unbind(actor=make.TEST, terminal=TERMINAL, at=make.AT + HOUR)
    make.bind(TERMINAL, "沪B22222", make.AT + 2 * HOUR)
    assert stays() == [
        ("沪A11111", make.AT, make.AT + HOUR),
        ("沪B22222", make.AT + 2 * HOUR, None),
    ]


def test_what_is_in_no_vehicle_cannot_be_taken_out(vehicles):
    with pytest.raises(Conflict, match="没有装在任何车上"):
        network.terminal_unbind(actor=make.TEST, terminal=TERMINAL, at=make.AT)


def test_it_cannot_leave_before_it_came(vehicles):
    make.bind(TERMINAL, "沪A11111", make.AT)
    with pytest.raises(Conflict, match="才装上 沪A11111"):
        network.terminal_unbind(actor=make.TEST, terminal=TERMINAL, at=make.AT)
    assert stays() == [("沪A11111", make.AT, None)]


@pytest.mark.parametrize(
    ("terminal", "said"),
    [
        ("000", "终端号全是 0"),
        *((text, "终端号须为") for text in ("", "12#4", "箱", "1" * 21, "+8613800001111")),
    ],
)
def test_what_is_no_terminal_number_is_refused(vehicles, terminal, said):
    with pytest.raises(Invalid, match=said):
        make.bind(terminal, "沪A11111")
    assert not TerminalBinding.objects.exists()


def test_an_unknown_plate_is_not_found(vehicles):
    with pytest.raises(NotFound, match="沪C33333"):
        make.bind(TERMINAL, "沪C33333")


def test_an_instant_without_an_offset_is_refused(vehicles):
    with pytest.raises(Invalid, match="时区"):
        make.bind(TERMINAL, "沪A11111", make.AT.replace(tzinfo=None))


def test_only_those_who_manage_terminals_may_move_them(vehicles):
    with pytest.raises(Forbidden):
        network.terminal_bind(actor=anyone(), terminal=TERMINAL, plate="沪A11111", from_at=make.AT)
    assert not TerminalBinding.objects.exists()


def test_the_database_itself_refuses_a_terminal_in_two_vehicles_at_one_time(vehicles):
    first, second = vehicles
    TerminalBinding.objects.create(
        terminal=TERMINAL, vehicle_id=first.id, from_at=make.AT, to_at=make.AT + 2 * HOUR
    )
    with pytest.raises(IntegrityError, match="network_binding_one_vehicle_at_a_time"):
        TerminalBinding.objects.create(terminal=TERMINAL, vehicle_id=second.id, from_at=make.AT + HOUR)


@pytest.mark.django_db(transaction=True)
def test_of_two_people_binding_a_new_terminal_at_once_one_is_told_to_look_again():
    make.vehicle("沪A11111")
    make.vehicle("沪B22222")
    together, outcomes = threading.Barrier(2), []

    def bind(plate):
        try:
            together.wait(5)
            make.bind(TERMINAL, plate, make.AT)
            outcomes.append("bound")
        except Conflict:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=bind, args=(plate,)) for plate in ("沪A11111", "沪B22222")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["bound", "refused"]
    assert len(stays()) == 1


MINUTE = timedelta(minutes=1)
moments = st.integers(0, 60).map(lambda minutes: datetime(2026, 11, 22, tzinfo=UTC) + minutes * MINUTE)
new_stays = st.builds(
    Stay, plate=st.sampled_from(["甲", "乙", "丙"]), from_at=moments, to_at=st.none() | moments
)


@settings(deadline=None)
@given(st.lists(new_stays, max_size=12))
def test_whatever_is_bound_in_whatever_order_stays_never_overlap_and_the_past_is_kept(wanted):
    known: tuple[Stay, ...] = ()
    for stay in wanted:
        before = known
        try:
            known = stay_added(known, stay)
        except (Conflict, Invalid):
            continue
        for number, one in enumerate(known):
            assert one.to_at is None or one.to_at > one.from_at
            assert not any(one.overlaps(other) for other in known[number + 1 :])
        assert [(one.plate, one.from_at) for one in known[: len(before)]] == [
            (one.plate, one.from_at) for one in before
        ]
        assert stay_added(known, stay) == known, "the same again changes nothing"


def test_reading_bindings_of_many_terminals_is_one_query(vehicles, django_assert_num_queries):
    for number in range(5):
        make.bind(f"1380000000{number}", "沪A11111")
    with django_assert_num_queries(1):
        assert len(network.bindings_of([f"1380000000{number}" for number in range(5)])) == 5
    assert connection.in_atomic_block


def test_test_vehicles_are_for_commands_only_and_under_plates_of_their_own(db):
    staff = Principal(kind=Kind.STAFF, name="admin", rights=frozenset(Right))
    with pytest.raises(Forbidden):
        network.simulated_put(actor=staff, plates={TERMINAL: "测A00001"}, from_at=make.AT)
    with pytest.raises(Forbidden):
        network.simulated_forget(actor=staff)
    for real in ("沪A11111", "测a00001", "测A0001"):
        with pytest.raises(Invalid):
            network.simulated_put(actor=make.TEST, plates={TERMINAL: real}, from_at=make.AT)
    put = network.simulated_put(actor=make.TEST, plates={TERMINAL: "测A00001"}, from_at=make.AT)
    assert network.vehicles_by_ids(put.values())[put[TERMINAL]].plate == "测A00001"
    assert stays() == [("测A00001", make.AT, None)]
    assert (
        network.simulated_put(actor=make.TEST, plates={TERMINAL: "测A00001"}, from_at=make.AT + HOUR) == put
    )
    assert stays() == [("测A00001", make.AT, None)]
    assert network.simulated_forget(actor=make.TEST) == 1
    assert stays() == []
    assert audit_list(actor=make.TEST, subject="vehicles", page=1).total == 3
