"""Nothing is promised at night: the estimate at the door moves to the next round within the delivery hours."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.journey import make
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.journey.domain.delivery import Hours, promise, promised, worth_telling
from zaitu.journey.domain.eta import WALL_CLOCK, Reason, Window, window
from zaitu.journey.models import EtaPoint, Shipment, TripStop
from zaitu.kernel import clock
from zaitu.kernel.clock import CHINA
from zaitu.telemetry.events import StopEntered, StopLeft

DAY = Hours(8 * 60, 20 * 60)
NIGHT = Hours(22 * 60, 6 * 60)
"""A wholesale market."""
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def at(text, day=22):
    """A time of the Chinese day."""
    hour, minute = text.split(":")
    return datetime(2026, 11, day, int(hour), int(minute), tzinfo=CHINA)


def around(eta, early=10, late=20):
    return Window(eta=eta, eta_from=eta - early * MINUTE, eta_to=eta + late * MINUTE)


def said(made):
    return [f"{edge.astimezone(CHINA):%d %H:%M}" for edge in (made.eta_from, made.eta, made.eta_to)]


@pytest.mark.parametrize(
    ("eta", "told"),
    [
        (at("15:00"), ["22 14:50", "22 15:00", "22 15:20"]),
        (at("03:00"), ["22 08:00", "22 09:00", "22 10:00"]),
        (at("20:01"), ["23 08:00", "23 09:00", "23 10:00"]),
        (at("23:59"), ["23 08:00", "23 09:00", "23 10:00"]),
        # The first round is one window, whenever its goods came.
        (at("08:05"), ["22 08:00", "22 09:00", "22 10:00"]),
        (at("08:40"), ["22 08:30", "22 09:00", "22 10:00"]),
        (at("09:05"), ["22 08:55", "22 09:05", "22 09:25"]),
        # The last minute still counts; what may be later is not said.
        (at("20:00"), ["22 19:50", "22 20:00", "22 20:00"]),
        (at("19:50"), ["22 19:40", "22 19:50", "22 20:00"]),
    ],
)
def test_an_estimate_outside_the_hours_is_promised_for_the_next_round(eta, told):
    assert said(promised(around(eta), DAY)) == told


def test_an_uncertain_night_arrival_keeps_its_late_edge():
    assert said(promised(around(at("06:00"), late=6 * 60), DAY)) == ["22 08:00", "22 09:00", "22 12:00"]


def test_hours_may_pass_midnight():
    assert said(promised(around(at("03:00")), NIGHT)) == ["22 02:50", "22 03:00", "22 03:20"]
    assert said(promised(around(at("12:00")), NIGHT)) == ["22 22:00", "22 23:00", "23 00:00"]


def test_who_takes_goods_all_day_is_promised_any_hour():
    night = around(at("03:00"))
    assert promised(night, Hours(0, 1440)) == night


def test_another_day_is_not_taken_back_for_a_few_minutes():
    tomorrow = at("09:00", day=23)
    wavering = around(at("19:45"))
    assert promised(wavering, DAY).eta == at("19:45")
    assert promised(wavering, DAY, tomorrow).eta == tomorrow
    assert promised(around(at("19:29")), DAY, tomorrow).eta == at("19:29")


instants = st.floats(0, 365 * 24 * 60).map(lambda minutes: at("00:00") + minutes * MINUTE)
hours = st.builds(
    lambda opens, length: Hours(opens, (opens + length) % 1440 or 1440),
    st.integers(0, 1439),
    st.integers(120, 1439),
)
spans = st.floats(0, 40 * 60)
windows = st.builds(around, instants, spans, spans)


def inside(moment, open_hours):
    """By the clock on the wall alone, without the rule's own arithmetic."""
    minute = moment.astimezone(WALL_CLOCK).hour * 60 + moment.astimezone(WALL_CLOCK).minute
    opens, closes = open_hours.opens_min, open_hours.closes_min
    exactly_closing = minute == closes % 1440 and not moment.second and not moment.microsecond
    if opens < closes:
        return opens <= minute < closes or exactly_closing
    return minute >= opens or minute < closes or exactly_closing


@given(made=windows, open_hours=hours, told=st.one_of(st.none(), instants))
def test_whatever_is_promised_lies_within_the_hours_and_never_earlier(made, open_hours, told):
    moved = promised(made, open_hours, told)
    assert moved.eta >= made.eta
    assert moved.eta_from <= moved.eta <= moved.eta_to
    assert moved.eta_from >= made.eta_from
    assert moved.eta - made.eta <= 2 * timedelta(days=1)
    for edge in (moved.eta_from, moved.eta, moved.eta_to):
        assert inside(edge, open_hours), edge


@given(made=windows, open_hours=hours, told=st.one_of(st.none(), instants))
def test_a_promise_that_is_made_stays_as_it_is(made, open_hours, told):
    once = promised(made, open_hours, told)
    assert promised(once, open_hours, once.eta) == once


@given(first=windows, later=st.floats(0, 3000), open_hours=hours)
def test_goods_that_come_later_are_never_promised_earlier(first, later, open_hours):
    second = around(first.eta + later * MINUTE)
    assert promised(second, open_hours).eta >= promised(first, open_hours).eta


def test_a_courier_who_is_out_keeps_the_real_time():
    evening = around(at("20:30"))
    out = promise(evening, Reason.DELIVERING, DAY, detail="out_for_delivery", told=at("09:00", day=23))
    assert out == (evening, Reason.DELIVERING)


def test_the_reason_of_a_move_is_the_hours_unless_something_went_wrong():
    night = around(at("03:00"))
    for reason, kept in (
        (Reason.PROGRESS, Reason.DELIVERY_HOURS),
        (Reason.ARRIVED, Reason.DELIVERY_HOURS),
        (Reason.DEPARTED_LATE, Reason.DEPARTED_LATE),
        (Reason.OVERDUE, Reason.OVERDUE),
    ):
        assert promise(night, reason, DAY, detail="in_transit", told=None)[1] is kept
    assert promise(around(at("15:00")), Reason.PROGRESS, DAY, detail="", told=None)[1] is Reason.PROGRESS


def test_a_prediction_that_wavers_at_night_is_no_news():
    now = at("18:00")
    told = at("09:00", day=23)
    for hour in ("01:00", "03:00", "07:30", "08:50"):
        made = window(at(hour, day=23), now)
        assert not worth_telling(made, DAY, detail="in_transit", told=told, now=now)
    assert worth_telling(window(at("12:00", day=23), now), DAY, detail="in_transit", told=told, now=now)


# The same in the product: a station whose receivers take goods only at another hour than now


@pytest.fixture
def waybill(db):
    make.carrier()
    closed_now()
    return make.order().waybill


def closed_now():
    """Receivers at the destination take goods for two hours, seven hours from now."""
    local = clock.now().astimezone(CHINA)
    opens = (local.hour + 7) % 24
    network.station(
        "CDQB", "成都青白江站", network.CHENGDU, city="成都",
        delivery_hours=(opens * 60, (opens + 2) % 24 * 60 or 1440),
    )  # fmt: skip
    return opens


def shown(waybill):
    return Shipment.objects.get(waybill=waybill)


def reason_and_hour(waybill):
    row = shown(waybill)
    point = EtaPoint.objects.filter(shipment=row).latest("id")
    assert (point.eta, point.eta_from, point.eta_to) == (row.eta, row.eta_from, row.eta_to)
    assert row.document["eta"] == row.eta.astimezone(CHINA).isoformat(timespec="seconds")
    assert row.document["eta_from"] == row.eta_from.astimezone(CHINA).isoformat(timespec="seconds")
    return point.reason, row.eta.astimezone(CHINA).hour


def arrive(waybill):
    trip = make.on_trip(waybill, departs_in=-10 * HOUR)
    ago = clock.now() - 9 * HOUR
    journey.on_stop_left(StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=ago, late=False))
    now = clock.now()
    journey.on_stop_entered(StopEntered(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=2, at=now, late=False))
    return trip


def test_goods_that_arrive_when_nobody_takes_them_are_promised_for_the_next_opening(waybill):
    opens = closed_now()
    arrive(waybill)
    assert shown(waybill).status == "arrived"
    assert reason_and_hour(waybill) == ("delivery_hours", (opens + 1) % 24)


def test_the_arrival_of_the_truck_itself_is_not_moved(waybill):
    opens = closed_now()
    trip = make.on_trip(waybill, departs_in=-10 * HOUR)
    left_at = clock.now() - 10 * HOUR
    journey.on_stop_left(StopLeft(vehicle_id=trip.vehicle_id, trip=trip.ref, seq=0, at=left_at, late=False))
    journey.eta_refresh(actor=make.TEST)
    stop = TripStop.objects.get(trip__ref=trip.ref, seq=2)
    assert abs(stop.eta - (left_at + 25 * HOUR)) < HOUR
    assert shown(waybill).eta - stop.eta > 2 * HOUR
    assert reason_and_hour(waybill)[1] == (opens + 1) % 24


def test_once_out_for_delivery_the_real_time_is_told(waybill):
    arrive(waybill)
    make.scan("out_for_delivery", waybill)
    row = shown(waybill)
    assert row.eta_reason == "delivering"
    assert row.eta - clock.now() < HOUR + 2 * MINUTE


def test_the_first_promise_keeps_the_hours_too(waybill):
    opens = closed_now()
    order = make.order()
    assert order.eta.astimezone(CHINA).hour == (opens + 1) % 24
    assert order.eta_from.astimezone(CHINA).hour == opens
    assert reason_and_hour(order.waybill)[0] == "delivery_hours"


@pytest.mark.django_db
def test_rows_that_stood_before_the_hours_came_have_the_usual_ones():
    """As the migration leaves them: written without the new columns."""
    network.station()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO network_station (code, name, kind, province, city, address, lat, lon, radius_m, active, grams)"
            " SELECT 'OLD', name, kind, province, city, address, lat, lon, radius_m, active, grams"
            " FROM network_station"
        )
        cursor.execute(
            "SELECT delivery_opens_min, delivery_closes_min FROM network_stationversion WHERE code = 'OLD'"
        )
        assert cursor.fetchall() == [(480, 1200)]
