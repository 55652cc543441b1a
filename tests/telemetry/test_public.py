"""Who may do what through the room's door."""

import subprocess
import sys
from datetime import timedelta

import pytest

from tests.telemetry import make
from zaitu.access.domain.rights import RIGHTS
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Kind, Principal, Right, anyone
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.adapters.states import rows_ensure
from zaitu.telemetry.models import Terminal, VehicleState, Watch

pytestmark = pytest.mark.django_db


def role(name):
    return Principal(kind=Kind.STAFF, name=name, rights=frozenset(RIGHTS[name]), roles=frozenset({name}))


def calls(actor):
    now = clock.now()
    watch = make.watch(now, make.stop(0, 31.2))
    return {
        "positions": lambda: telemetry.latest(actor=actor, vehicle_ids=[1]),
        "map": lambda: telemetry.latest_all(actor=actor, bbox=(30, 120, 32, 122)),
        "track": lambda: telemetry.track(actor=actor, vehicle_id=1, start=now - timedelta(hours=1), end=now),
        "temps": lambda: telemetry.temps(actor=actor, vehicle_id=1, start=now - timedelta(hours=1), end=now),
        "terminals": lambda: telemetry.terminals_list(actor=actor),
        "unknown": lambda: telemetry.unknown_terminals(actor=actor),
        "watch": lambda: telemetry.watch_clear(actor=actor, vehicle_id=1, trip="none"),
        "create": lambda: telemetry.terminal_create(actor=actor, terminal="1", kind="none", plate=""),
        "set": lambda: (
            telemetry.watch_set(actor=actor, vehicle_id=10**9, watch=watch) if not actor.rights else None
        ),
    }


NEEDS = {
    "positions": {Right.POSITIONS_READ},
    "map": {Right.POSITIONS_READ},
    "track": {Right.POSITIONS_READ},
    "temps": {Right.POSITIONS_READ},
    "terminals": {Right.TERMINALS_MANAGE},
    "unknown": {Right.TERMINALS_MANAGE},
    "create": {Right.TERMINALS_MANAGE},
    "watch": {Right.TRIPS_PLAN, Right.SCAN_ROAD, Right.SCAN_WAREHOUSE},
}


@pytest.mark.parametrize("name", sorted(RIGHTS))
@pytest.mark.parametrize("call", sorted(NEEDS))
def test_each_role_may_do_what_its_rights_say(name, call):
    actor = role(name)
    if NEEDS[call] & actor.rights:
        try:
            calls(actor)[call]()
        except Invalid:
            assert call == "create"
    else:
        with pytest.raises(Forbidden):
            calls(actor)[call]()


@pytest.mark.parametrize("call", [*sorted(NEEDS), "set"])
@pytest.mark.parametrize(
    "actor",
    [
        anyone(),
        Principal(kind=Kind.LINK, name="link:1", waybill="ZT1", scopes=frozenset({"view"})),
        Principal(kind=Kind.CUSTOMER_KEY, name="k1", customer_code="ACME", scopes=frozenset({"track"})),
    ],
    ids=["stranger", "link holder", "customer key"],
)
def test_outsiders_may_do_nothing_here(actor, call):
    with pytest.raises(Forbidden):
        calls(actor)[call]()
    assert Watch.objects.count() == 0


def test_a_terminal_is_let_in_once_and_only_for_a_vehicle_that_exists():
    car = make.vehicle()
    telemetry.terminal_create(actor=make.ACTOR, terminal="0013912345678", kind="jt808", plate=car.plate)
    assert Terminal.objects.get().terminal == "13912345678"
    with pytest.raises(Conflict):
        telemetry.terminal_adopt(actor=make.ACTOR, terminal="13912345678", plate=car.plate)
    with pytest.raises(NotFound):
        telemetry.terminal_adopt(actor=make.ACTOR, terminal="13900000000", plate="京Z99999")
    for number in ("", "000", "12 34", "x1", "1" * 21):
        with pytest.raises(Invalid):
            telemetry.terminal_adopt(actor=make.ACTOR, terminal=number, plate=car.plate)
    assert Terminal.objects.count() == 1


def test_the_track_of_a_period_is_read_in_order_and_by_one_query(django_assert_num_queries):
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    make.take_in(
        number, *[make.fix(now - timedelta(minutes=minute), 31 + minute / 100) for minute in range(10)]
    )
    make.take_in(number, make.fix(now - timedelta(minutes=20), 30.0), backfill=True)
    with django_assert_num_queries(1):
        points = telemetry.track(
            actor=make.ACTOR, vehicle_id=vehicle_id, start=now - timedelta(minutes=30), end=now, limit=4
        )
    assert [point.lat for point in points] == pytest.approx([30.0, 31.09, 31.08, 31.07])
    assert [point.backfill for point in points] == [True, False, False, False]


def test_the_map_is_read_by_one_query_and_only_what_is_in_the_box(django_assert_num_queries):
    inside, outside = make.terminal(), make.terminal()
    make.take_in(inside[0], make.fix(clock.now(), 31.0))
    make.take_in(outside[0], make.fix(clock.now(), 25.0))
    with django_assert_num_queries(1):
        found = telemetry.latest_all(actor=make.ACTOR, bbox=(30.0, 120.0, 32.0, 122.0))
    assert set(found) == {inside[1]}


def test_a_vehicle_with_a_row_that_was_never_heard_of_is_nowhere():
    """Not at 0° north, 0° east, where its row stands until its first fix."""
    (number, heard, _), (_, silent, _) = make.terminal(), make.terminal()
    make.take_in(number, make.fix(clock.now(), 31.2))
    rows_ensure([silent])
    assert VehicleState.objects.filter(vehicle_id=silent).exists()
    assert set(telemetry.latest_all(actor=make.ACTOR)) == {heard}
    assert set(telemetry.latest_all(actor=make.ACTOR, bbox=(-1.0, -1.0, 1.0, 1.0))) == set()
    assert set(telemetry.latest(actor=make.ACTOR, vehicle_ids=[heard, silent])) == {heard}


@pytest.mark.parametrize(
    "fields",
    [
        {"trip": ""},
        {"trip": "x" * 41},
        {"route": [(1.0, 2.0)]},
        {"route": [(91.0, 2.0), (1.0, 2.0)]},
        {"stops": (make.stop(1, 31.0), make.stop(1, 32.0))},
    ],
)
def test_a_watch_that_makes_no_sense_cannot_be_made(fields):
    stops = fields.pop("stops", (make.stop(0, 31.0),))
    with pytest.raises(ValueError, match=r"trip|route|point|stops"):
        make.watch(clock.now(), *stops, **fields)


def test_a_watch_comes_back_as_it_was_set_and_the_same_again_is_no_new_version():
    _, vehicle_id, _ = make.terminal()
    fence = ((31.0, 121.0), (31.0, 121.1), (31.1, 121.1))
    watch = make.watch(clock.now(), make.stop(3, 31.0, fence=fence), route=[(31.0, 121.0), (32.0, 121.0)])
    versions = [telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=watch) for _ in range(2)]
    assert versions == [1, 1]
    other = make.watch(clock.now(), make.stop(3, 31.5))
    assert telemetry.watch_set(actor=make.ACTOR, vehicle_id=vehicle_id, watch=other) == 2


def test_temperatures_of_a_period_are_thinned_evenly_and_read_by_one_query(django_assert_num_queries):
    number, vehicle_id, _ = make.terminal()
    now = clock.now().replace(microsecond=0)
    start = now - timedelta(minutes=100)
    fixes = [make.fix(start + timedelta(minutes=step), temps_c=(float(step), None)) for step in range(10)]
    make.take_in(number, *fixes, make.fix(now))
    with django_assert_num_queries(1):
        readings = telemetry.temps(actor=make.ACTOR, vehicle_id=vehicle_id, start=start, end=now, limit=5)
    assert [reading for _, reading in readings] == [(float(step), None) for step in range(0, 10, 2)]
    assert readings[0][0] == start


def test_a_command_that_stores_no_fixes_does_not_load_the_kernels_compiler():
    look = "import sys, django; django.setup(); sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", look], check=True)
