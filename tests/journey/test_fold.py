"""The status fold: a table of moves, and properties over every order of arrival."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.journey.domain.actions import (
    ENDING_TABLE,
    ORDER_IN_A_MOMENT,
    SCANS,
    STEPS,
    TABLE,
    TEXTS,
    Kind,
    Place,
    stage_of,
)
from zaitu.journey.domain.fold import FoldEvent, Frame, fold
from zaitu.journey.domain.problems import PROBLEMS, Problem
from zaitu.journey.domain.statuses import DETAIL_TEXTS, DETAILS, ENDINGS, STATUS_TEXTS, Detail, Status

START = datetime(2026, 11, 22, tzinfo=UTC)
FRAME = Frame(origin="SHA", destination="CTU", pieces=3, ordered_at=START)
_ids = count(1)


def event(kind, hour, station="", **fields):
    number = next(_ids)
    values = {"id": number, "source": "scan", "key": f"k{number}"} | fields
    return FoldEvent(kind=Kind(kind), at=START + timedelta(hours=hour), station=station, **values)


def whole_journey():
    return [
        event("ordered", 0, source="order"),
        event("collected", 1, "SHA"),
        event("inbound", 2, "SHA"),
        event("loaded", 3, "SHA"),
        event("departed", 4, "SHA"),
        event("stop_entered", 12, "WUH", source="fact"),
        event("stop_left", 13, "WUH", source="fact"),
        event("stop_entered", 26, "CTU", source="fact"),
        event("unloaded", 27, "CTU"),
        event("out_for_delivery", 28, "CTU"),
        event("signed", 30, "CTU"),
    ]


def short(state):
    return state.status.value, state.detail.value, state.final


@pytest.mark.parametrize(
    ("upto", "expected"),
    [
        (1, ("ordered", "accepted", False)),
        (2, ("awaiting_departure", "collected", False)),
        (3, ("awaiting_departure", "inbound", False)),
        (4, ("awaiting_departure", "loaded", False)),
        (5, ("in_transit", "departed", False)),
        (6, ("at_stop", "at_stop", False)),
        (7, ("in_transit", "left_stop", False)),
        (8, ("arrived", "destination", False)),
        (9, ("arrived", "unloaded", False)),
        (10, ("in_transit", "out_for_delivery", False)),
        (11, ("signed", "consignee", True)),
    ],
)
def test_a_usual_journey_step_by_step(upto, expected):
    assert short(fold(FRAME, whole_journey()[:upto])) == expected


def test_no_events_is_an_accepted_order():
    assert short(fold(FRAME, [])) == ("ordered", "accepted", False)


def test_a_late_departed_after_signed_changes_nothing():
    events = whole_journey()
    before = fold(FRAME, events)
    for late in (event("departed", 4.2, "SHA", source="fact"), event("departed", 40, "SHA")):
        after = fold(FRAME, [*events, late])
        assert short(after) == short(before)
        assert after.at == before.at
        assert [node.event.id for node in after.nodes] == [node.event.id for node in before.nodes]


def test_a_departure_told_by_fence_and_scan_is_one_node():
    events = [event("departed", 4, "SHA"), event("stop_left", 4.1, "SHA", source="fact")]
    assert [node.event.kind for node in fold(FRAME, events).nodes] == [Kind.DEPARTED]


def test_scans_missing_on_the_way_are_made_good_by_the_arrival():
    assert short(fold(FRAME, [event("unloaded", 27, "CTU")])) == ("arrived", "unloaded", False)


def test_a_station_on_the_way_is_at_stop_whoever_scans_there():
    for kind in ("inbound", "unloaded", "loaded", "sorted", "arrived"):
        state = fold(FRAME, [event("departed", 4, "SHA"), event(kind, 12, "WUH")])
        assert (state.status, state.station) == (Status.AT_STOP, "WUH")


def test_the_second_piece_collected_while_the_first_is_loaded_does_not_go_back():
    events = [
        event("collected", 1, "SHA", piece="a"),
        event("loaded", 2, "SHA", piece="a"),
        event("collected", 3, "SHA", piece="b"),
    ]
    assert short(fold(FRAME, events)) == ("awaiting_departure", "loaded", False)


def test_goods_taken_off_at_the_origin_are_back_in_the_warehouse():
    events = [event("loaded", 2, "SHA"), event("unloaded", 3, "SHA")]
    assert short(fold(FRAME, events)) == ("awaiting_departure", "inbound", False)


def test_leaving_a_stop_does_not_take_back_arriving_soon():
    events = [event("departed", 4, "SHA"), event("arriving_soon", 20), event("stop_left", 21, "WUH")]
    assert short(fold(FRAME, events)) == ("arriving_soon", "predicted", False)


def test_a_stop_passed_while_arriving_soon_is_a_node_once_and_takes_no_status_back():
    events = [
        *whole_journey()[:6],
        event("arriving_soon", 12.5, source="timer"),
        event("arrived", 12.6, "WUH"),
        event("stop_left", 13, "WUH", source="fact"),
        event("departed", 13.1, "WUH"),
    ]
    nodes = [(node.event.kind, node.event.at, node.status) for node in fold(FRAME, events).nodes[-2:]]
    assert nodes == [
        (Kind.ARRIVING_SOON, START + timedelta(hours=12.5), Status.ARRIVING_SOON),
        (Kind.STOP_LEFT, START + timedelta(hours=13), Status.ARRIVING_SOON),
    ]
    assert short(fold(FRAME, events)) == ("arriving_soon", "predicted", False)


def test_goods_in_the_destination_warehouse_are_not_arriving_soon():
    events = [event("unloaded", 27, "CTU"), event("arriving_soon", 28)]
    assert short(fold(FRAME, events)) == ("arrived", "unloaded", False)


def test_a_return_is_not_disturbed_by_stations_on_the_way_back():
    events = [
        event("unloaded", 27, "CTU"),
        event("returning", 30, "CTU"),
        event("stop_entered", 40, "WUH"),
        event("departed", 41, "WUH"),
    ]
    assert short(fold(FRAME, events)) == ("in_transit", "returning", False)
    assert short(fold(FRAME, [*events, event("returned", 60, "SHA")])) == ("returned", "received_back", True)


# Part signatures: the rest goes on


def test_a_part_signature_is_shown_and_is_not_the_end():
    state = fold(FRAME, [*whole_journey()[:-1], event("signed", 30, "CTU", pieces=2)])
    assert short(state) == ("signed", "part", False)
    assert state.signed_pieces == 2


def test_the_rest_signed_later_makes_it_whole_and_final():
    events = [event("signed", 30, "CTU", pieces=2), event("signed", 40, "CTU")]
    assert short(fold(FRAME, events)) == ("signed", "consignee", True)


def test_pieces_signed_one_by_one_are_final_with_the_last():
    events = [event("signed", 30 + n, "CTU", piece=f"p{n}") for n in range(3)]
    assert short(fold(FRAME, events[:2])) == ("signed", "part", False)
    assert short(fold(FRAME, events)) == ("signed", "consignee", True)


def test_a_rest_that_is_lost_ends_a_part_signature():
    events = [event("signed", 30, "CTU", pieces=2), event("lost", 90, source="manual")]
    assert short(fold(FRAME, events)) == ("signed", "part", True)


def test_what_happens_to_the_rest_does_not_hide_the_signature():
    events = [event("signed", 30, "CTU", pieces=1), event("out_for_delivery", 50, "CTU")]
    assert short(fold(FRAME, events)) == ("signed", "part", False)


def test_a_piece_signed_twice_counts_once():
    events = [event("signed", 30, "CTU", piece="a"), event("signed", 31, "CTU", piece="a")]
    assert fold(FRAME, events).signed_pieces == 1


# Endings and corrections


def test_who_signed_makes_the_detail():
    for detail in ("on_behalf", "contactless", "with_remarks"):
        assert fold(FRAME, [event("signed", 30, data={"detail": detail})]).detail == detail


def test_an_idle_ending_has_no_effect():
    events = [*whole_journey(), event("returned", 29, "SHA", idle=True)]
    assert short(fold(FRAME, events)) == ("signed", "consignee", True)


def test_only_a_recorded_reopening_undoes_a_signature():
    events = [*whole_journey(), event("reopened", 35, source="manual")]
    assert short(fold(FRAME, events)) == ("in_transit", "out_for_delivery", False)
    assert short(fold(FRAME, [*events, event("signed", 36, "CTU")])) == ("signed", "consignee", True)


def test_a_reopened_shipment_stands_where_its_other_events_put_it():
    events = [
        event("departed", 4, "SHA"),
        event("signed", 5),
        event("unloaded", 27, "CTU"),
        event("reopened", 30),
    ]
    assert short(fold(FRAME, events)) == ("arrived", "unloaded", False)


def test_a_voided_event_drops_out_and_its_voiding_is_no_node():
    wrong = event("signed", 30, "CTU")
    state = fold(FRAME, [*whole_journey()[:-1], wrong, event("voided", 31, target=wrong.id)])
    assert short(state) == ("in_transit", "out_for_delivery", False)
    assert Kind.SIGNED not in [node.event.kind for node in state.nodes]


def test_goods_in_our_hands_cannot_be_cancelled_only_intercepted():
    assert short(fold(FRAME, [event("cancelled", 1)])) == ("closed", "cancelled", True)
    collected = event("collected", 1, "SHA")
    assert short(fold(FRAME, [collected, event("cancelled", 2)])) == (
        "awaiting_departure",
        "collected",
        False,
    )
    assert short(fold(FRAME, [collected, event("intercepted", 2)])) == ("closed", "intercepted", True)


# Overlays


def test_refused_is_an_overlay_and_never_a_status():
    state = fold(FRAME, [*whole_journey()[:-1], event("refused", 30, "CTU")])
    assert short(state) == ("in_transit", "out_for_delivery", False)
    assert state.exception["code"] == "refused"
    assert state.exception["action_required"]


def test_damage_is_shown_before_a_later_delay_and_outlives_the_signature():
    events = [
        event("problem", 5, data={"code": "damaged"}),
        event("problem", 6, data={"code": "delay_traffic"}),
    ]
    assert fold(FRAME, events).exception["code"] == "damaged"
    assert fold(FRAME, [*events, event("signed", 30)]).exception["code"] == "damaged"


def test_a_delay_is_over_when_the_goods_are_unloaded():
    events = [event("departed", 4, "SHA"), event("problem", 5, data={"code": "delay_traffic"})]
    assert fold(FRAME, events).exception["code"] == "delay_traffic"
    assert fold(FRAME, [*events, event("unloaded", 27, "CTU")]).exception is None


def test_a_solved_problem_is_gone_and_others_stay():
    events = [
        event("problem", 5, data={"code": "damaged"}),
        event("problem", 6, data={"code": "short"}),
        event("problem_solved", 7, data={"code": "short"}),
    ]
    assert fold(FRAME, events).problems == {"damaged"}
    assert fold(FRAME, [*events, event("problem_solved", 8)]).exception is None


def test_an_unknown_problem_code_is_kept_as_other():
    assert fold(FRAME, [event("problem", 5, data={"code": "alien"})]).exception["code"] == "other"


# Properties

_STATIONS = st.sampled_from(["", "SHA", "WUH", "CTU", "XIY"])


@st.composite
def histories(draw, kinds=tuple(Kind)):
    chosen = draw(st.lists(st.sampled_from(kinds), max_size=14))
    made = []
    for number, kind in enumerate(chosen):
        earlier = [one.id for one in made if one.kind is not Kind.VOIDED]
        if kind is Kind.VOIDED and not earlier:
            continue
        piece = draw(st.sampled_from(["", "", "a", "b", "c"]))
        made.append(
            event(
                kind,
                draw(st.integers(0, 8)),
                draw(_STATIONS),
                id=number + 1,
                key=f"k{number}",
                source=draw(st.sampled_from(["scan", "fact"])),
                piece=piece,
                pieces=None if piece else draw(st.sampled_from([None, 1, 2])),
                data={"code": draw(st.sampled_from([problem.value for problem in Problem]))}
                if kind is Kind.PROBLEM
                else {},
                target=draw(st.sampled_from(earlier)) if kind is Kind.VOIDED else None,
            )
        )
    return made


@settings(deadline=None, max_examples=200)
@given(histories(), st.randoms(use_true_random=False))
def test_every_order_of_arrival_gives_the_same_state(events, random):
    shuffled = events[:]
    random.shuffle(shuffled)
    assert fold(FRAME, shuffled) == fold(FRAME, events)


@settings(deadline=None, max_examples=200)
@given(histories(), st.randoms(use_true_random=False))
def test_repeats_change_nothing(events, random):
    again = [replace(one) for one in random.choices(events, k=len(events))] if events else []
    assert fold(FRAME, [*events, *again]) == fold(FRAME, events)


_STILL = tuple(set(Kind) - {Kind.REOPENED, Kind.VOIDED})
_NO_ENDING = tuple(set(_STILL) - set(ENDING_TABLE) - {Kind.PROBLEM, Kind.PROBLEM_SOLVED})


@settings(deadline=None, max_examples=150)
@given(histories(kinds=_NO_ENDING), st.integers(0, 8))
def test_once_signed_nothing_late_or_early_undoes_it(events, hour):
    signed = event("signed", hour, "CTU", id=999, key="signed")
    assert short(fold(FRAME, [signed, *events])) == ("signed", "consignee", True)


@settings(deadline=None, max_examples=150)
@given(histories())
def test_the_detail_always_belongs_to_the_status_and_final_means_an_ending(events):
    state = fold(FRAME, events)
    assert state.detail in DETAILS[state.status]
    if state.final:
        assert state.status in ENDINGS
    assert 0 <= state.signed_pieces <= FRAME.pieces


# The tables themselves


def test_every_status_detail_kind_and_problem_has_words_in_both_languages():
    for words in (STATUS_TEXTS, DETAIL_TEXTS, TEXTS):
        assert all(zh and en for zh, en in words.values())
    assert set(STATUS_TEXTS) == set(Status) == set(DETAILS)
    assert set(DETAIL_TEXTS) == set(Detail) == {detail for details in DETAILS.values() for detail in details}
    assert set(TEXTS) == set(Kind) == set(ORDER_IN_A_MOMENT)
    assert set(PROBLEMS) == set(Problem)


def test_every_move_leads_to_a_detail_of_its_status_from_stages_that_exist():
    for (kind, place), move in TABLE.items():
        assert move.detail in DETAILS[move.status], (kind, place)
        assert stage_of(move.status, move.detail)
        assert move.only_from


def test_endings_are_no_moves():
    assert not {kind for kind, _ in TABLE} & set(ENDING_TABLE)
    assert set(STEPS) <= set(Detail)
    assert set(SCANS) <= set(Kind)


def test_unknown_station_is_not_mistaken_for_the_origin():
    assert FRAME.place("") is Place.UNKNOWN
    assert FRAME.place("XIY") is Place.ON_THE_WAY
