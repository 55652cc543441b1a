"""Each rule by example: what is told, and what is not."""

from datetime import timedelta

import numpy as np
import pytest

from tests.telemetry.walks import START, VEHICLE, M, fleet, instants, rows, seconds, stop, walked, watch
from zaitu.telemetry.codecs.columns import NONE, PROBES, Flag
from zaitu.telemetry.codecs.jt808.alarms import EDGES
from zaitu.telemetry.codecs.locks import LockEvent
from zaitu.telemetry.domain import limits as asked
from zaitu.telemetry.rules import locks
from zaitu.telemetry.rules.facts import Kind
from zaitu.telemetry.rules.power import Cause

ROAD = ((0.0, 0.0), (50_000 * M, 0.0))
HOUR = 3_600


def minute(count):
    return START + timedelta(minutes=count)


def told(watched, columns, *, kinds=None, terminal=1):
    """(kind, seconds after START, a) of each fact, those of stops left out."""
    found = walked(fleet(watched), columns, terminal=terminal).facts
    return [
        (Kind(fact["kind"]), seconds(fact["at_us"]), fact["a"])
        for fact in found
        if fact["kind"] > Kind.STOP_LEFT and (kinds is None or fact["kind"] in kinds)
    ]


def drive(east_m, *, step_s=30, speed_kmh=60.0, start_m=0.0):
    """North along ROAD, half a kilometre a step, so many metres beside it."""
    count = len(east_m)
    at_s = np.arange(count) * float(step_s)
    return rows(
        at_s, lat=(start_m + np.arange(count) * 500) * M, lon=np.array(east_m) * M, speed_kmh=speed_kmh
    )


def test_a_detour_of_minutes_is_told_from_its_beginning_and_again_when_it_ends():
    east = [0, 0, 700, 900, 1200, 900, 800, 700, 700, 0, 0, 0, 0]
    facts = told(watch(route=ROAD), drive(east))
    assert facts == [
        (Kind.OFF_ROUTE, 60.0, pytest.approx(700, abs=1)),
        (Kind.BACK_ON_ROUTE, 270.0, pytest.approx(1200, abs=1)),
    ]


def test_one_fix_far_from_the_road_is_the_receivers_error():
    assert told(watch(route=ROAD), drive([0, 0, 5_000, 0, 0, 4_000, 0, 0])) == []


def test_between_both_distances_a_vehicle_is_neither_off_the_road_nor_back():
    between = [0, *[400] * 10, *[900] * 8, *[400] * 20]
    assert [fact[0] for fact in told(watch(route=ROAD), drive(between))] == [Kind.OFF_ROUTE]


def test_a_vehicle_that_comes_from_elsewhere_is_not_off_the_road_before_it_was_on_it():
    assert told(watch(route=ROAD), drive([9_000] * 20)) == []
    facts = told(watch(route=ROAD), drive([9_000] * 20 + [0, 0] + [900] * 8))
    assert [fact[:2] for fact in facts] == [(Kind.OFF_ROUTE, 660.0)]


def test_a_yard_beside_the_road_is_not_off_it():
    yard = stop(1, 0.0, radius_m=2_000)
    assert told(watch((yard,), ROAD), drive([0, 0, *[1_500] * 3, *[1_800] * 3, 0, 0], step_s=60)) == []


def test_after_the_last_stop_was_left_no_road_is_planned():
    stops = stop(1, 0.0, along_m=0.0), stop(2, 2_000, along_m=2_000)
    home = [0, 0, 0, 0, 0, 0, *[3_000] * 10]
    assert told(watch(stops, ROAD), drive(home)) == []
    assert [fact[0] for fact in told(watch((*stops, stop(3, 40_000)), ROAD), drive(home))] == [Kind.OFF_ROUTE]


def parked(lasts_s, *, north_m=20_000, step_s=60, drift_m=0.0, **given):
    """At rest after a drive, and on again."""
    at_s = np.concatenate([[0, 60], 120 + np.arange(0, lasts_s, step_s), 120 + lasts_s + np.array([60, 120])])
    rest = len(at_s) - 4
    north = np.concatenate([[-2_000, -1_000], np.zeros(rest), [1_000, 2_000]]) + north_m
    drift = np.random.default_rng(1).normal(0, drift_m, len(at_s))
    return rows(at_s.astype(float), lat=(north + drift) * M, lon=drift * M, **given)


def test_half_an_hour_outside_the_stops_is_told_once_and_its_end_too():
    facts = told(watch(route=ROAD), parked(2 * HOUR, drift_m=15))
    assert facts == [
        (Kind.STOPPED_TOO_LONG, 120.0, 1_800.0),
        (Kind.MOVING_AGAIN, 120.0 + 2 * HOUR + 60, 2 * HOUR + 60),
    ]


def test_twenty_minutes_of_rest_are_the_drivers_right():
    assert told(watch(route=ROAD), parked(1_200)) == []


def test_standing_at_a_planned_stop_is_what_it_is_planned_for():
    assert told(watch((stop(1, 20_000),), ROAD), parked(5 * HOUR)) == []


def test_a_single_jump_of_the_receiver_does_not_end_a_stop():
    columns = parked(HOUR, step_s=30)
    columns.lat[30] += 900 * M
    assert [fact[0] for fact in told(watch(route=ROAD), columns)] == [
        Kind.STOPPED_TOO_LONG,
        Kind.MOVING_AGAIN,
    ]


def test_the_place_where_it_stands_is_not_the_one_it_last_drove_past():
    """The fix before it stopped was 99 m away: drift about the place is then no departure."""
    limits = asked.Limits(stands=(asked.Stand(from_at=minute(2), to_at=minute(600)),))
    north = np.concatenate([[-400, -99], np.random.default_rng(1).normal(0, 8, 60)])
    speed = np.concatenate([[60, 60], np.zeros(60)])
    columns = rows(np.arange(62) * 60.0, lat=north * M, lon=0.0, speed_kmh=speed)
    assert told(watch(route=ROAD, limits=limits), columns, kinds={Kind.MOVED_WHILE_STANDING}) == []


def test_a_place_that_wanders_under_a_roof_is_one_place_while_the_speed_says_so():
    columns = parked(HOUR, step_s=30, drift_m=50, speed_kmh=0.0)
    kinds = [fact[0] for fact in told(watch(route=ROAD), columns)]
    assert kinds == [Kind.STOPPED_TOO_LONG, Kind.MOVING_AGAIN]
    moving = parked(HOUR, step_s=30, drift_m=50, speed_kmh=20.0)
    assert told(watch(route=ROAD), moving) == []


def test_a_long_silence_on_the_road_is_not_a_long_stop():
    at_s = [0, 10, 20, 30, 40, 50, 3_000, 3_010, 3_020]
    north = [0, 200, 400, 600, 800, 1_000, 60_000, 60_200, 60_400]
    columns = rows(at_s, lat=np.array(north) * M, lon=0.0, speed_kmh=72.0)
    assert told(watch(), columns) == []


def test_leaving_a_rest_before_it_is_over_is_told_once():
    limits = asked.Limits(stands=(asked.Stand(from_at=minute(2), to_at=minute(600)),))
    facts = told(watch(route=ROAD, limits=limits), parked(HOUR), kinds={Kind.MOVED_WHILE_STANDING})
    assert [fact[:2] for fact in facts] == [(Kind.MOVED_WHILE_STANDING, 120.0 + HOUR + 60)]


def test_moving_inside_the_yard_is_not_leaving_the_stop_before_departure():
    yard = stop(1, 0.0, radius_m=1_000)
    limits = asked.Limits(stands=(asked.Stand(from_at=minute(0), to_at=minute(60), seq=1),))
    kinds = {Kind.MOVED_WHILE_STANDING}
    inside = rows([0, 60, 120, 180], lat=np.array([0, 300, -400, 500]) * M, lon=0.0)
    assert told(watch((yard,), limits=limits), inside, kinds=kinds) == []
    out = rows([0, 60, 120, 180], lat=np.array([0, 300, 2_400, 2_500]) * M, lon=0.0)
    assert told(watch((yard,), limits=limits), out, kinds=kinds) == [(Kind.MOVED_WHILE_STANDING, 120.0, 1.0)]
    later = rows([0, 60, 3_700, 3_800], lat=np.array([0, 300, 2_400, 2_500]) * M, lon=0.0)
    assert told(watch((yard,), limits=limits), later, kinds=kinds) == []


def speeds(*kmh, step_s=15):
    at_s = np.arange(len(kmh)) * float(step_s)
    return rows(at_s, lat=np.arange(len(kmh)) * 400 * M, lon=0.0, speed_kmh=kmh)


def test_too_fast_for_half_a_minute_is_told_with_the_top_speed_when_it_ends():
    facts = told(watch(), speeds(80, 101, 120, 108, 105, 97, 90, 90, 90, 80))
    assert facts == [(Kind.OVERSPEED, 15.0, 120.0), (Kind.OVERSPEED_OVER, 90.0, 120.0)]


def test_overtaking_is_not_overspeed_and_an_impossible_speed_is_no_speed():
    assert told(watch(), speeds(80, 104, 110, 90, 80, 104, 80)) == []
    assert told(watch(), speeds(80, 600, 600, 600, 600, 80)) == []


def temps(values, *, step_s=60, probes=1):
    given = np.full((len(values), PROBES), np.nan)
    given[:, :probes] = np.asarray(values, dtype=float).reshape(len(values), probes)
    return rows(np.arange(len(values)) * float(step_s), temps_c=given, probes=probes)


COLD = asked.Limits(bands=(asked.Band(low=2, high=8),))


def test_a_warm_load_is_told_after_five_minutes_from_the_first_warm_reading():
    facts = told(watch(limits=COLD), temps([5, 9, 9, 10, 12, 11, 10, 9, 7, 7, 7, 7]))
    assert facts == [(Kind.BAND_LEFT, 60.0, 0.0), (Kind.BAND_BACK, 480.0, 0.0)]


def test_opening_the_doors_for_four_minutes_is_not_a_breach():
    assert told(watch(limits=COLD), temps([5, 9, 12, 12, 9, 7, 9, 12, 12, 9, 7])) == []


def test_a_probe_that_is_absent_for_a_reading_does_not_break_a_breach():
    facts = told(watch(limits=COLD), temps([5, 9, 9, np.nan, np.nan, 9, 9, 9]))
    assert [fact[:2] for fact in facts] == [(Kind.BAND_LEFT, 60.0)]


def test_of_any_probe_one_outside_is_enough_and_a_band_of_one_probe_asks_no_other():
    values = [(5, 20)] * 8
    assert [fact[0] for fact in told(watch(limits=COLD), temps(values, probes=2))] == [Kind.BAND_LEFT]
    first = asked.Limits(bands=(asked.Band(low=2, high=8, probe=0),))
    assert told(watch(limits=first), temps(values, probes=2)) == []


def test_cooling_down_before_the_trip_begins_is_no_breach():
    at_s = -3_600 + np.arange(0, 3_600, 60.0)
    warm = np.full((len(at_s), PROBES), np.nan)
    warm[:, 0] = 20.0
    assert told(watch(limits=COLD), rows(at_s, temps_c=warm, probes=1)) == []


def test_two_sensors_in_one_vehicle_are_judged_apart():
    columns = temps([5, 20] * 8, step_s=30)
    facts = told(watch(limits=COLD), columns, terminal=[1, 2] * 8)
    assert [fact[:2] for fact in facts] == [(Kind.BAND_LEFT, 30.0)]


def test_shocks_of_one_bad_road_are_one_fact_a_minute():
    columns = rows(np.arange(0, 100, 10.0), shock_g=[1, 9, 9, 12, 2, 9, 9, 9, 9, 9])
    assert told(watch(), columns) == [(Kind.SHOCK, 10.0, 9.0), (Kind.SHOCK, 70.0, 9.0)]


def locked(events, closed, *, at_s=None, north_m=0.0, flags=Flag.FIXED):
    at_s = np.arange(len(events)) * 100.0 if at_s is None else np.asarray(at_s, dtype=float)
    north_m = np.broadcast_to(north_m, len(events))
    return rows(at_s, lat=north_m * M, lon=0.0, lock_events=events, lock_closed=closed, flags=int(flags))


def lock_facts(watched, columns, **given):
    found = walked(fleet(watched), columns, **given).facts
    return [
        (LockEvent(int(fact["a"])).names[0], seconds(fact["at_us"]), "alarm" if fact["b"] else "")
        for fact in found
        if fact["kind"] == Kind.LOCK
    ]


OPENED, CLOSED, CUT = LockEvent.OPENED, LockEvent.CLOSED, LockEvent.CUT


def test_rules_know_the_bits_of_the_codecs():
    mine = {name: getattr(locks, name) for name in LockEvent.__members__}
    assert mine == {name: int(event) for name, event in LockEvent.__members__.items()}
    assert 2 * max(LockEvent) == 1 << locks.EVENTS


def test_opening_at_a_planned_stop_is_told_and_on_the_road_it_is_an_alarm():
    stops = (stop(1),)
    at_stop = locked([0, OPENED, CLOSED], [1, 0, 1])
    assert lock_facts(watch(stops), at_stop) == [("opened", 100.0, ""), ("closed", 200.0, "")]
    on_road = locked([0, OPENED, CLOSED], [1, 0, 1], north_m=5_000)
    assert lock_facts(watch(stops), on_road) == [("opened", 100.0, "alarm"), ("closed", 200.0, "")]


def test_opening_is_allowed_only_where_and_when_the_watch_says():
    limits = asked.Limits(lock=asked.Lock(openings=(asked.Opening(seq=2, to_at=minute(10)),)))
    stops = stop(1), stop(2, 5_000)
    assert lock_facts(watch(stops, limits=limits), locked([OPENED], [0])) == [("opened", 0.0, "alarm")]
    assert lock_facts(watch(stops, limits=limits), locked([OPENED], [0], north_m=5_000)) == [
        ("opened", 0.0, "")
    ]
    late = locked([OPENED], [0], north_m=5_000, at_s=[600])
    assert lock_facts(watch(stops, limits=limits), late) == [("opened", 600.0, "alarm")]


def test_a_lock_that_only_tells_its_state_has_been_opened_when_it_is_no_longer_closed():
    assert lock_facts(watch(), locked([0, 0, 0, 0], [1, 0, 0, 1])) == [
        ("opened", 100.0, "alarm"),
        ("closed", 300.0, ""),
    ]


def test_a_cut_string_is_one_alarm_however_long_it_stays_cut_and_every_wrong_password_is_one():
    columns = locked([CUT, CUT, CUT, 0, CUT], [1] * 5)
    assert lock_facts(watch(), columns) == [("cut", 0.0, "alarm"), ("cut", 400.0, "alarm")]
    wrong = locked([LockEvent.WRONG_PASSWORD] * 3, [1] * 3)
    assert lock_facts(watch(), wrong) == [("wrong_password", at, "alarm") for at in (0.0, 100.0, 200.0)]


def test_every_event_a_lock_can_report_becomes_a_fact():
    told_events = [name for name, *_ in lock_facts(watch(), locked([0x1FF], [NONE]))]
    assert sorted(told_events) == sorted(LockEvent(0x1FF).names)


def test_a_lock_event_in_the_second_of_the_newest_fix_and_without_a_place_is_told():
    one = fleet(watch((stop(1),)))
    walked(one, rows([50.0], lat=0.0, lon=0.0))
    facts = walked(one, rows([50.0], lock_events=CUT)).facts
    assert [(fact["kind"], fact["lat"]) for fact in facts] == [(Kind.LOCK, 0.0)]


def test_a_lock_whose_clock_is_wrong_is_heard():
    assert lock_facts(watch(), locked([CUT], [1], flags=Flag.FIXED | Flag.CLOCK)) == [("cut", 0.0, "alarm")]


def test_a_trackers_newer_fix_does_not_make_the_locks_report_old():
    one = fleet(watch())
    walked(one, rows([60.0], lat=0.0, lon=0.0), terminal=1)
    facts = walked(one, locked([CUT], [1], at_s=[58]), terminal=2).facts
    assert [fact["kind"] for fact in facts] == [Kind.LOCK]


def test_driving_off_with_an_open_lock_is_told_two_minutes_after_the_stop():
    columns = locked([0, OPENED, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], north_m=[0, 0, 5_000, 6_000, 7_000, 8_000])
    assert told(watch((stop(1),)), columns, kinds={Kind.LOCK_LEFT_OPEN}) == [
        (Kind.LOCK_LEFT_OPEN, 200.0, 200.0)
    ]


def test_an_opening_on_the_road_is_one_alarm_and_not_two():
    columns = locked([0, OPENED, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], north_m=9_000)
    assert [fact[0] for fact in told(watch((stop(1),)), columns, kinds={Kind.LOCK, Kind.LOCK_LEFT_OPEN})] == [
        Kind.LOCK
    ]


def test_power_lost_while_the_engine_starts_is_not_told_and_for_a_minute_it_is():
    lost = 1 << 8
    assert told(watch(), rows([0, 10, 20, 30], alarm=[0, lost, 0, 0])) == []
    facts = told(watch(), rows([0, 10, 40, 70, 80, 140], alarm=[0, lost, lost, lost, 0, 0]))
    assert facts == [(Kind.POWER_LOW, 10.0, Cause.MAIN_LOST), (Kind.POWER_BACK, 80.0, Cause.MAIN_LOST)]


def test_a_low_battery_is_told_at_once_and_is_back_only_when_it_is_well_charged():
    battery = [50, 15, np.nan, 16, 14, 24, 26, 30]
    facts = told(watch(), rows(np.arange(8) * 100.0, battery_pct=battery))
    assert facts == [(Kind.POWER_LOW, 100.0, Cause.BATTERY), (Kind.POWER_BACK, 600.0, Cause.BATTERY)]


def test_a_terminal_that_is_wrong_about_the_time_again_and_again_is_told_once():
    flags = [0, 8, 8, 0, *[8] * 7, *[0] * 6]
    facts = told(watch(), rows(np.arange(17) * 10.0, flags=flags))
    assert facts == [(Kind.CLOCK_WRONG, 80.0, 5.0), (Kind.CLOCK_RIGHT, 150.0, 5.0)]


def test_a_wrong_clock_does_not_make_a_stop_long():
    flags = np.where(np.arange(6) < 5, Flag.FIXED, Flag.FIXED | Flag.CLOCK)
    at_s = [0, 60, 120, 180, 240, 90_000]
    assert told(watch(route=ROAD), rows(at_s, lat=20_000 * M, lon=0.0, flags=flags)) == []


def test_a_level_alarm_is_raised_once_and_cleared_once_and_an_edge_is_one_fact():
    gnss, sos = 1 << 4, 1 << 0
    columns = rows(np.arange(7) * 60.0, alarm=[0, gnss, gnss | sos, gnss, gnss, 0, 0])
    assert told(watch(), columns) == [
        (Kind.ALARM_RAISED, 60.0, 4.0),
        (Kind.ALARM_RAISED, 120.0, 0.0),
        (Kind.ALARM_CLEARED, 300.0, 4.0),
    ]


def test_an_alarm_that_a_terminal_repeats_until_it_is_answered_is_one():
    sos = rows([0, 5, 10, 300], alarm=1)
    assert told(watch(), sos) == [(Kind.ALARM_RAISED, 0.0, 0.0), (Kind.ALARM_RAISED, 300.0, 0.0)]


def test_what_is_an_edge_depends_on_the_version_of_the_standard():
    one = fleet(watch())
    one.device(1, edges=EDGES["2019"])
    facts = walked(one, rows([0, 100], alarm=[1 << 3, 0])).facts
    assert facts["kind"].tolist() == [Kind.ALARM_RAISED, Kind.ALARM_CLEARED]
    assert [fact[0] for fact in told(watch(), rows([0, 100], alarm=[1 << 3, 0]))] == [Kind.ALARM_RAISED]


def test_a_phone_beside_a_tracker_does_not_clear_its_alarms():
    columns = rows(np.arange(6) * 60.0, alarm=[1 << 4, 0, 1 << 4, 0, 1 << 4, 0])
    assert told(watch(), columns, terminal=[1, 2] * 3) == [(Kind.ALARM_RAISED, 0.0, 4.0)]


def silence(one, now_s):
    return [
        (Kind(fact["kind"]), seconds(fact["at_us"]), fact["a"]) for fact in one.timer(int(instants(now_s)))
    ]


def test_a_quarter_of_an_hour_of_silence_is_told_once_by_the_timer_and_ended_by_any_report():
    one = fleet(watch())
    walked(one, rows([0.0], lat=0.0, lon=0.0))
    assert silence(one, 899) == []
    assert silence(one, 900) == [(Kind.SIGNAL_LOST, 0.0, 900.0)]
    assert silence(one, 2_000) == []
    # An old report from the terminal's memory: it can talk again.
    back = walked(one, rows([-500.0], flags=int(Flag.BACKFILL)), received_s=3_000).facts
    assert [(Kind(fact["kind"]), seconds(fact["at_us"]), fact["a"]) for fact in back] == [
        (Kind.SIGNAL_BACK, 3_000.0, 3_000.0)
    ]
    assert silence(one, 3_899) == []


def test_a_vehicle_that_was_never_heard_is_missed_from_the_beginning_of_its_trip():
    one = fleet(watch())
    assert silence(one, 800) == []
    assert silence(one, 1_000) == [(Kind.SIGNAL_LOST, 0.0, 1_000.0)]


def test_a_vehicle_that_nobody_watches_is_not_missed():
    one = fleet()
    walked(one, rows([0.0], lat=0.0, lon=0.0))
    assert silence(one, 1e6) == []


def test_a_vehicle_that_nobody_watches_has_its_locks_and_alarms_all_the_same():
    facts = walked(fleet(), locked([OPENED, CUT], [0, 0])).facts
    assert [(fact["kind"], fact["a"], fact["b"]) for fact in facts] == [
        (Kind.LOCK, OPENED, 0.0),
        (Kind.LOCK, CUT, 1.0),
    ]


def test_a_terminal_moved_to_another_vehicle_begins_anew_there():
    one = fleet(watch())
    walked(one, rows([0.0], alarm=1 << 4), vehicle=VEHICLE)
    assert [fact["a"] for fact in walked(one, rows([10.0], alarm=1 << 4), vehicle=8).facts] == [4.0]
    assert one.devices_in(one.slot(VEHICLE)) == []
    # A report from its time in the first vehicle comes late and brings it not back.
    walked(one, rows([5.0], alarm=0), vehicle=VEHICLE)
    assert one.devices_in(one.slot(8)) == [one.device(1)]


def test_replanning_keeps_what_is_raised_of_the_bands_that_stay():
    one = fleet(watch(limits=COLD))
    walked(one, temps([9] * 8))
    humid = asked.Band(what="humidity_pct", high=80)
    one.watch_set(VEHICLE, watch(limits=asked.Limits(bands=(humid, *COLD.bands))))
    columns = rows(np.array([500.0, 560, 620, 680]), temps_c=np.full((4, PROBES), 5.0), probes=1)
    assert [(fact["kind"], fact["a"]) for fact in walked(one, columns).facts] == [(Kind.BAND_BACK, 1.0)]
