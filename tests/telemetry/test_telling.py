"""What the walk found becomes events; what a watch says of limits is kept as JSON."""

import json
from datetime import timedelta

import numpy as np
import pytest

from tests.telemetry.test_walk_rules import LIMITS, ROUTE, STOPS
from tests.telemetry.walks import START, VEHICLE, document, fleet, instants, rows, stop, walked, watch
from zaitu.kernel.events import REGISTRY
from zaitu.telemetry import events
from zaitu.telemetry.codecs.columns import PROBES
from zaitu.telemetry.codecs.jt808.alarms import EDGES
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.domain.watch import watch_document, watch_from
from zaitu.telemetry.kernels.document import document_load
from zaitu.telemetry.kernels.layout import FACT, blank
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.rules.power import Cause
from zaitu.telemetry.services.telling import events_of


def told(one, facts, *, now_s=0.0):
    return events_of(one, facts, int(instants(now_s)))


def fact(kind, *, a=0.0, b=0.0, at_s=0.0, fix_s=None, device=-1):
    made = blank(FACT, 1)
    made["kind"], made["a"], made["b"], made["device"] = kind, a, b, device
    made["at_us"] = instants(at_s)
    made["fix_us"] = instants(at_s if fix_s is None else fix_s)
    made["lat"], made["lon"] = 31.0, 121.0
    return made


VALUES = {
    Kind.STOP_ENTERED: (3.0, np.nan, {"seq": 3}),
    Kind.STOP_LEFT: (3.0, 0.0, {"seq": 3}),
    Kind.OFF_ROUTE: (700.0, 4e4, {"off_m": 700.0, "along_m": 4e4}),
    Kind.BACK_ON_ROUTE: (900.0, 4e4, {"farthest_m": 900.0, "along_m": 4e4}),
    Kind.STOPPED_TOO_LONG: (1800.0, np.nan, {"stood_s": 1800.0, "along_m": None}),
    Kind.MOVING_AGAIN: (2000.0, 4e4, {"stood_s": 2000.0, "along_m": 4e4}),
    Kind.MOVED_WHILE_STANDING: (np.nan, np.nan, {"seq": None, "speed_kmh": None}),
    Kind.OVERSPEED: (120.0, 100.0, {"top_kmh": 120.0, "limit_kmh": 100.0}),
    Kind.OVERSPEED_OVER: (120.0, 100.0, {"top_kmh": 120.0, "limit_kmh": 100.0}),
    Kind.SIGNAL_LOST: (900.0, np.nan, {"silent_s": 900.0}),
    Kind.SIGNAL_BACK: (1900.0, np.nan, {"silent_s": 1900.0}),
    Kind.LOCK: (8.0, 1.0, {"event": "wrong_password", "alarm": True}),
    Kind.LOCK_LEFT_OPEN: (130.0, np.nan, {"open_s": 130.0}),
    Kind.BAND_LEFT: (1.0, -9.0, {"what": "temp_c", "probe": 1, "low": -18, "high": None, "value": -9.0}),
    Kind.BAND_BACK: (2.0, 90.0, {"what": "humidity_pct", "probe": None, "low": None, "high": 80, "worst": 90.0}),
    Kind.SHOCK: (9.0, 3.0, {"shock_g": 9.0, "limit_g": 3.0}),
    Kind.POWER_LOW: (Cause.MAIN_LOST | Cause.BATTERY, 12.0, {"causes": ("main_lost", "battery"), "battery_pct": 12.0}),
    Kind.POWER_BACK: (Cause.MAIN_LOW, np.nan, {"causes": ("main_low",), "battery_pct": None}),
    Kind.CLOCK_WRONG: (3.0, np.nan, {"reports": 3}),
    Kind.CLOCK_RIGHT: (3.0, np.nan, {"reports": 3}),
    Kind.ALARM_RAISED: (0.0, 1.0, {"alarm": "sos", "edge": True}),
    Kind.ALARM_CLEARED: (23.0, np.nan, {"alarm": "off_route"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_fact_has_an_event_with_its_values(kind):
    one = fleet(watch(STOPS, ROUTE, limits=LIMITS))
    a, b, values = VALUES[kind]
    device = one.device(99) if kind >= Kind.LOCK else -1
    (event,) = told(one, fact(kind, a=a, b=b, at_s=60.0, device=device), now_s=61.0)
    said = event.model_dump()
    where = {} if kind <= Kind.STOP_LEFT else {"lat": 31.0, "lon": 121.0}
    whose = {"terminal_id": 99} if kind >= Kind.LOCK else {}
    begun = {"vehicle_id": VEHICLE, "trip": "T1", "at": START + timedelta(seconds=60), "late": False}
    assert said == begun | where | whose | values
    assert event.subject == f"vehicle:{VEHICLE}"
    assert REGISTRY[event.name].model_validate_json(event.model_dump_json()) == event


def test_alarms_have_the_names_of_the_version_their_terminal_speaks():
    one = fleet(watch())
    device = one.device(5, edges=EDGES["2019"])
    assert told(one, fact(Kind.ALARM_RAISED, a=3, device=device))[0].alarm == "dangerous_driving"
    device = one.device(6, edges=EDGES["2013"])
    assert told(one, fact(Kind.ALARM_RAISED, a=3, device=device))[0].alarm == "danger_warning"


def test_a_fact_is_late_when_the_row_that_showed_it_is_and_not_when_what_it_tells_began_long_ago():
    one = fleet(watch())
    began_early = fact(Kind.STOPPED_TOO_LONG, a=1_800, at_s=0.0, fix_s=1_800.0)
    assert not told(one, began_early, now_s=1_810)[0].late
    assert told(one, began_early, now_s=2_200)[0].late


def test_events_of_a_vehicle_are_in_the_order_in_which_they_happened():
    one = fleet(watch((stop(1), stop(2, 900))))
    facts = np.concatenate([fact(Kind.STOP_ENTERED, a=2, at_s=9), fact(Kind.STOP_LEFT, a=1, at_s=4)])
    assert [type(event) for event in told(one, facts)] == [events.StopLeft, events.StopEntered]


def test_what_happened_before_the_trip_is_of_no_trip():
    one = fleet(watch())
    facts = walked(one, rows([-60.0], lock_events=4)).facts
    assert [event.trip for event in told(one, facts)] == [""]


def test_limits_are_kept_with_the_watch():
    asked_for = watch(STOPS, ROUTE, limits=LIMITS)
    assert watch_from(json.loads(json.dumps(watch_document(asked_for)))) == asked_for
    off = watch(limits=asked.Limits(off_route=None, lock=None, power=None))
    assert watch_from(json.loads(json.dumps(watch_document(off)))) == off


def test_a_watch_without_limits_is_kept_as_it_was_before_there_were_any():
    assert set(watch_document(watch(STOPS))) == {"trip", "from_at", "route", "stops"}
    assert watch_from(watch_document(watch(STOPS))).limits is None


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (lambda: asked.OffRoute(beyond_m=50), "beyond_m is 50, outside 100..50000"),
        (lambda: asked.OffRoute(beyond_m=300, back_m=400), "back_m is 400, outside 50..300"),
        (lambda: asked.LongStop(after_s=10), "after_s is 10, outside 300..86400"),
        (lambda: asked.Stand(from_at=START, to_at=START), "ends after it begins"),
        (lambda: asked.Stand(from_at=START.replace(tzinfo=None), to_at=START), "has no offset"),
        (lambda: asked.Opening(lat=31.0), "at a stop or at a place with lat and lon"),
        (lambda: asked.Opening(lat=31.0, lon=121.0, seq=1), "at a stop or at a place"),
        (asked.Band, "a low or a high end"),
        (lambda: asked.Band(low=8, high=2), "from low to high"),
        (lambda: asked.Band(low=8, probe=8), "probe is 8, outside 0..7"),
        (lambda: asked.Band(what="co2", low=1), "of temp_c or humidity_pct, not co2"),
        (lambda: asked.Shock(over_g=0), "over_g is 0"),
        (lambda: asked.Speed(over_kmh=500), "over_kmh is 500"),
        (lambda: asked.Signal(after_s=1), "after_s is 1, outside 60"),
        (lambda: asked.Power(low_pct=80), "low_pct is 80"),
        (lambda: asked.Clock(reports=0), "reports is 0"),
        (lambda: asked.Limits(still_m=1), "still_m is 1"),
        (lambda: asked.Limits(bands=(asked.Band(low=1),) * 9), "9 bands, at most 8"),
        (
            lambda: watch(limits=asked.Limits(lock=asked.Lock(openings=(asked.Opening(seq=7),)))),
            "has not: ['7']",
        ),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(made, wrong):
    with pytest.raises(ValueError, match=wrong.replace("[", r"\[").replace("]", r"\]")):
        made()


def test_a_document_of_another_trip_brings_where_the_vehicle_is_and_nothing_of_that_trip():
    one = fleet(watch((stop(1),), ROUTE))
    walked(one, rows([0.0, 60.0], lat=0.0, lon=0.0, speed_kmh=50.0, alarm=1 << 4))
    stored = json.loads(json.dumps(document(one, one.slot(VEHICLE))))
    other = fleet(watch((stop(1),), ROUTE, trip="T2"))
    document_load(other, VEHICLE, stored)
    vehicle = other.vehicles[other.slot(VEHICLE)]
    assert (vehicle["at_us"], vehicle["lat"]) == (instants(60.0), 0.0)
    assert np.isnan(vehicle["along_m"])
    assert other.visits(other.slot(VEHICLE)) == ()
    # The terminal's alarm goes on, whatever the trip.
    assert not len(walked(other, rows([90.0], alarm=1 << 4)).facts)


def test_a_document_stays_small_and_names_only_what_is_not_blank():
    one = fleet(watch((stop(1),), ROUTE))
    walked(one, rows([0.0], lat=0.0, lon=0.0, temps_c=np.full((1, PROBES), 5.0), probes=1))
    assert len(json.dumps(document(one, one.slot(VEHICLE)))) < 700
    assert document(fleet(watch()), 0) == {"v": 1, "trip": "T1", "vehicle": {}, "visits": [], "devices": {}}


def test_bands_remembered_by_number_are_found_by_what_they_are_when_a_document_is_read():
    band, humid = asked.Band(low=2, high=8), asked.Band(what="humidity_pct", high=80)
    one = fleet(watch(limits=asked.Limits(bands=(band,))))
    warm = np.full((8, PROBES), 20.0)
    walked(one, rows(np.arange(8) * 60.0, temps_c=warm, probes=1))
    stored = json.loads(json.dumps(document(one, one.slot(VEHICLE))))
    other = fleet(watch(limits=asked.Limits(bands=(humid, band))))
    document_load(other, VEHICLE, stored)
    assert not len(walked(other, rows(480 + np.arange(8) * 60.0, temps_c=warm, probes=1)).facts)
    cold = rows(960 + np.arange(4) * 60.0, temps_c=np.full((4, PROBES), 5.0), probes=1)
    assert [(one["kind"], one["a"]) for one in walked(other, cold).facts] == [(Kind.BAND_BACK, 1.0)]
