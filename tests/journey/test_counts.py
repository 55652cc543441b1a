"""How scans of labels, counts and whole waybills add up: what was last said of the waybill replaces what was said before."""

import pytest

from tests.journey import make
from zaitu.journey import public as journey
from zaitu.journey.domain.counts import ALL, Seen, pieces_seen, seen_before
from zaitu.kernel.errors import Invalid


def label(piece):
    return Seen(piece, None)


def counted(pieces):
    return Seen(None, pieces)


WHOLE = Seen(None, None)


@pytest.mark.parametrize(
    ("scans", "found"),
    [
        ([], 0),
        ([label(1), label(2), label(1)], 2),
        ([WHOLE], ALL),
        ([counted(3), counted(3)], 3),
        ([counted(5), counted(1)], 1),
        ([label(1), label(2), counted(1)], 1),
        ([counted(3), label(1)], 3),
        ([counted(1), label(1), label(2)], 2),
        ([WHOLE, label(1)], ALL),
        ([WHOLE, counted(2)], 2),
        ([counted(2), WHOLE], ALL),
        ([label(1), counted(1), label(1), label(2), label(3)], 3),
    ],
)
def test_the_last_word_about_the_waybill_counts_and_labels_since_never_lower_it(scans, found):
    assert pieces_seen(scans) == found


@pytest.mark.parametrize(
    ("scans", "new", "told"),
    [
        ([], WHOLE, False),
        ([WHOLE], WHOLE, True),
        ([WHOLE, label(1)], WHOLE, True),
        ([WHOLE, counted(2)], WHOLE, False),
        ([label(1)], label(1), True),
        ([label(1)], label(2), False),
        ([label(1), counted(1)], label(1), False),
        ([WHOLE], label(1), False),
    ],
)
def test_a_scan_is_a_repeat_only_of_what_still_counts(scans, new, told):
    assert seen_before(scans, new) is told


@pytest.fixture
def carrier(db):
    make.carrier()


@pytest.fixture
def order(carrier):
    return make.order(pieces=3)


@pytest.mark.parametrize("kind", ["collected", "inbound", "sorted", "rechecked", "inspected"])
def test_counting_again_replaces_the_count_and_a_label_after_it_adds_nothing(order, kind):
    for _ in range(2):
        answer = make.scan(kind, order.waybill, data={"pieces": 3})
        assert (answer.level, answer.counts.scanned, answer.counts.over) == ("ok", 3, 0)
    assert make.scan(kind, order.pieces[0]).counts.scanned == 3


def test_a_count_that_is_too_high_warns_and_a_better_one_puts_it_right(carrier):
    order = make.order(pieces=2)
    trip = make.on_trip(order.waybill)
    over = make.scan("loaded", order.waybill, trip=trip.ref, data={"pieces": 5})
    assert (over.level, over.counts.over) == ("warn", 3)
    assert over.message == "装车 5/2 件，多出 3 件，请核对"
    fewer = make.scan("loaded", order.waybill, trip=trip.ref, data={"pieces": 1})
    assert (fewer.level, fewer.counts.scanned, fewer.counts.short) == ("ok", 1, 1)
    assert journey.trip_get(actor=make.TEST, trip=trip.ref).loaded == 1
    sheet = journey.trip_sheet(actor=make.TEST, trip=trip.ref, station_code=make.ORIGIN)
    assert (sheet.load.scanned, sheet.load.short) == (1, 1)
    assert make.scan("loaded", order.waybill, trip=trip.ref).counts.scanned == 2


def test_counts_at_different_stations_are_counts_of_their_own(order):
    make.scan("inbound", order.waybill, data={"pieces": 3})
    assert make.scan("inbound", order.waybill, make.DESTINATION, data={"pieces": 1}).counts.scanned == 1


def test_a_voided_count_leaves_the_one_before_it(order):
    make.scan("inbound", order.waybill, data={"pieces": 3})
    make.scan("inbound", order.waybill, data={"pieces": 1}, key="wrong")
    journey.scan_undo(actor=make.TEST, key="wrong")
    assert make.scan("inbound", order.pieces[0]).counts.scanned == 3


@pytest.mark.parametrize("pieces", [True, "3", 3.0, 0, -1, 10_000, [3]])
@pytest.mark.parametrize("of_label", [False, True])
def test_a_count_that_is_no_whole_number_of_pieces_is_invalid_whatever_was_scanned(order, pieces, of_label):
    code = order.pieces[0] if of_label else order.waybill
    with pytest.raises(Invalid) as caught:
        make.scan("inbound", code, data={"pieces": pieces})
    assert "pieces" in caught.value.fields


# Each piece by itself


def test_a_scan_of_the_whole_waybill_is_the_last_scan_of_every_piece(order):
    assert {piece.kind for piece in make.page(order.waybill).pieces} == {""}
    make.scan("collected", order.waybill)
    make.scan("inbound", order.pieces[1])
    pieces = make.page(order.waybill).pieces
    assert [piece.kind for piece in pieces] == ["collected", "inbound", "collected"]
    assert [piece.station_code for piece in pieces] == [make.ORIGIN] * 3
    make.sign(order.waybill)
    assert {piece.kind_text for piece in make.page(order.waybill).pieces} == {"签收"}


def test_a_count_of_some_pieces_does_not_say_which(order):
    make.scan("collected", order.waybill, data={"pieces": 2})
    assert {piece.kind for piece in make.page(order.waybill).pieces} == {""}
    make.scan("inbound", order.waybill, data={"pieces": 3})
    assert {piece.kind for piece in make.page(order.waybill).pieces} == {"inbound"}


def test_a_piece_signed_by_its_label_keeps_its_time_when_the_rest_is_signed(order):
    make.scan("collected", order.waybill)
    make.sign(order.pieces[0])
    first = make.page(order.waybill).pieces[0].at
    make.sign(order.waybill)
    pieces = make.page(order.waybill).pieces
    assert [piece.kind for piece in pieces] == ["signed"] * 3
    assert pieces[0].at == first < pieces[1].at


def test_a_voided_scan_takes_its_pieces_back_to_the_scan_before(order):
    make.scan("collected", order.waybill)
    make.scan("inbound", order.waybill, key="wrong")
    journey.scan_undo(actor=make.TEST, key="wrong")
    assert {piece.kind for piece in make.page(order.waybill).pieces} == {"collected"}


def test_pieces_on_a_departed_truck_have_departed(order):
    trip = make.on_trip(order.waybill)
    make.scan("loaded", order.waybill, trip=trip.ref)
    make.scan("departed", trip.ref)
    assert {piece.kind for piece in make.page(order.waybill).pieces} == {"departed"}
