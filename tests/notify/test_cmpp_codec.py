"""CMPP's octets: as others have recorded them, both ways, and whatever comes in instead."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.notify.cmpp_server import CmppServer
from tests.notify.operator_server import Got, Line
from zaitu.notify.channels.cmpp import answers, codec, receipts
from zaitu.notify.channels.cmpp.account import account
from zaitu.notify.channels.cmpp.dialect import Cmpp
from zaitu.notify.channels.operators.dialect import Delivered, Garbage, Odd
from zaitu.notify.channels.operators.framing import frames
from zaitu.notify.domain.delivery import Verdict

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RECORDED = json.loads((Path(__file__).parent / "data" / "cmpp.json").read_text())
DIALECTS = {
    v3: Cmpp(account(f"cmpp://900001:888888@h?version={'3.0' if v3 else '2.0'}&source=1069"))
    for v3 in (False, True)
}


@pytest.mark.parametrize("known", RECORDED["frames"], ids=lambda known: known["name"])
def test_recorded_frames_are_read_and_written_as_they_are(known):
    frame = bytes.fromhex(known["hex"])
    seq, body = codec.decode(frame, v3=known["v3"])
    ((kind, fields),) = known["is"].items()
    assert type(body).__name__ == kind
    for name, value in fields.items():
        match name:
            case "text":
                assert body.content.decode("utf-16-be") == value
            case "content":
                assert body.content.decode() == value
            case "dest" if isinstance(value, list):
                assert list(body.dest) == value
            case _:
                assert getattr(body, name) == value
    assert codec.encode(seq, body, v3=known["v3"]) == frame


def test_the_authenticator_is_that_of_the_recorded_frame():
    _, connect = codec.decode(bytes.fromhex(RECORDED["frames"][0]["hex"]), v3=False)
    ours = codec.authenticator(connect.source, RECORDED["secret"], connect.timestamp)
    assert ours == connect.authenticator


octet = st.integers(0, 255)


def ascii_(most):
    return st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=most)


def msg_ids():
    return st.integers(0, 2**64 - 1)


def submits(*, v3):
    phone, link = (ascii_(32), ascii_(20)) if v3 else (ascii_(21), ascii_(8))
    only_3 = octet if v3 else st.just(0)
    return st.builds(
        codec.Submit,
        msg_id=msg_ids(),
        total=octet,
        number=octet,
        registered=octet,
        level=octet,
        service=ascii_(10),
        fee_user_type=octet,
        fee_terminal=phone,
        fee_terminal_type=only_3,
        pid=octet,
        udhi=octet,
        fmt=octet,
        msg_src=ascii_(6),
        fee_type=ascii_(2),
        fee_code=ascii_(6),
        valid_time=ascii_(17),
        at_time=ascii_(17),
        src_id=ascii_(21),
        dest=st.lists(phone, max_size=99).map(tuple),
        dest_type=only_3,
        content=st.binary(max_size=255),
        link_id=link,
    )


def delivers(*, v3):
    return st.builds(
        codec.Deliver,
        msg_id=msg_ids(),
        dest=ascii_(21),
        service=ascii_(10),
        pid=octet,
        udhi=octet,
        fmt=octet,
        src=ascii_(32 if v3 else 21),
        src_type=octet if v3 else st.just(0),
        registered=octet,
        content=st.binary(max_size=255),
        link_id=ascii_(20 if v3 else 8),
    )


def bodies(*, v3):
    proof = st.binary(min_size=16, max_size=16)
    result = st.integers(0, 2**32 - 1 if v3 else 255)
    return st.one_of(
        st.builds(
            codec.Connect,
            source=ascii_(6),
            authenticator=proof,
            version=octet,
            timestamp=st.integers(0, 1231235959),
        ),
        st.builds(codec.ConnectResp, status=result, authenticator=proof, version=octet),
        submits(v3=v3),
        delivers(v3=v3),
        st.builds(codec.SubmitResp, msg_id=msg_ids(), result=result),
        st.builds(codec.DeliverResp, msg_id=msg_ids(), result=result),
        st.builds(codec.ActiveTestResp, octet),
        st.sampled_from([codec.ActiveTest(), codec.Terminate(), codec.TerminateResp()]),
        st.builds(codec.Other, command=st.sampled_from([6, 7, 0x8000_0006]), body=st.binary(max_size=60)),
    )


@pytest.mark.parametrize("v3", [False, True])
@given(data=st.data(), seq=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=300)
def test_what_is_written_is_read_again(v3, data, seq):
    body = data.draw(bodies(v3=v3))
    frame = codec.encode(seq, body, v3=v3)
    assert codec.decode(frame, v3=v3) == (seq, body)
    assert list(frames(bytearray(frame), shortest=codec.HEADER, longest=codec.LONGEST)) == [frame]


@given(
    st.builds(
        codec.Report,
        msg_id=msg_ids(),
        stat=ascii_(7),
        submit_time=ascii_(10),
        done_time=ascii_(10),
        dest=ascii_(21),
        smsc_sequence=st.integers(0, 2**32 - 1),
    ),
    st.booleans(),
)
def test_reports_are_read_again_and_have_60_or_71_octets(report, v3):
    content = codec.report_encode(report, v3=v3)
    assert len(content) == (71 if v3 else 60)
    assert codec.report_decode(content) == report


@pytest.mark.parametrize("connection_v3", [False, True])
@pytest.mark.parametrize("report_v3", [False, True])
def test_a_report_of_the_other_version_is_read_too(connection_v3, report_v3):
    report = codec.Report(
        msg_id=7, stat="DELIVRD", submit_time="", done_time="2611221530", dest="13800005678"
    )
    deliver = codec.Deliver(msg_id=9, registered=1, content=codec.report_encode(report, v3=report_v3))
    told = DIALECTS[connection_v3].told(codec.encode(3, deliver, v3=connection_v3), NOW)
    assert isinstance(told, Delivered)
    assert told.receipt.ref == "7"


@pytest.mark.parametrize("v3", [False, True])
def test_a_receipt_as_another_hand_writes_it_is_understood(v3):
    server = CmppServer(v3=v3)
    got = Got(1, 1, "13800005678", b"", udhi=False, coding=8, number=1, total=1, ref=str(2**63 + 5))
    told = DIALECTS[v3].told(server.receipt(Line(1, None), got, "MK:0001"), NOW)
    assert (told.receipt.ref, told.receipt.delivered, told.receipt.code) == (str(2**63 + 5), False, "MK:0001")
    assert told.receipt.note == "手机不可及（停机、空号或关机）：MK:0001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", "12345678901"),
        ("src_id", "1" * 22),
        ("dest", ("1" * 33,)),
        ("content", bytes(256)),
        ("total", 256),
    ],
)
def test_a_field_that_does_not_fit_is_not_written(field, value):
    with pytest.raises((ValueError, OverflowError)):
        codec.encode(1, codec.Submit(**{field: value}), v3=True)


# Whatever comes in


def understood(dialect, content):
    """What becomes of it; any exception but Garbage fails the test."""
    try:
        return dialect.told(content, NOW)
    except Garbage:
        return None


@given(st.binary(max_size=400), st.booleans())
@settings(deadline=None, max_examples=500)
def test_any_octets_are_understood_or_refused(content, v3):
    understood(DIALECTS[v3], content)


@given(st.sampled_from([1, 2, 4, 5, 8]), st.booleans(), st.binary(max_size=300), st.booleans())
@settings(deadline=None, max_examples=800)
def test_any_body_of_a_known_command_is_understood_or_refused(command, response, body, v3):
    command |= 0x8000_0000 if response else 0
    frame = b"".join(n.to_bytes(4, "big") for n in (12 + len(body), command, 1)) + body
    told = understood(DIALECTS[v3], frame)
    assert told is not None
    if command == 5 and isinstance(told, Odd):
        assert told.answer, "a DELIVER that cannot be read is answered, or it would be repeated for ever"


@given(st.data(), st.booleans(), st.integers(0, 200))
@settings(deadline=None, max_examples=300)
def test_half_and_over_long_pdus_are_refused(data, v3, cut):
    body = data.draw(bodies(v3=v3))
    frame = codec.encode(1, body, v3=v3)
    for wrong in (frame[: -min(cut, len(frame))] if cut else b"", frame + bytes(cut + 1)):
        with pytest.raises(codec.Malformed):
            codec.decode(wrong, v3=v3)


@given(st.lists(st.binary(max_size=3000), max_size=10))
@settings(deadline=None)
def test_any_stream_leaves_a_bounded_buffer(chunks):
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        try:
            for frame in frames(buffer, shortest=codec.HEADER, longest=codec.LONGEST):
                assert codec.HEADER <= len(frame) <= codec.LONGEST
        except Garbage:
            return
        assert len(buffer) < codec.LONGEST


# What it means


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (1, "pause"), (2, "pause"), (3, "retry"), (4, "never"), (5, "pause"), (6, "never"), (7, "pause"), (8, "pause"),
        (9, "never"), (10, "pause"), (11, "pause"), (12, "pause"), (13, "never"), (14, "retry"), (2**32 - 1, "retry"),
    ],
)  # fmt: skip
def test_every_result_has_its_verdict(result, verdict):
    answer = answers.answer(result)
    assert (answer.verdict, answer.rests, answer.reason) == (verdict, verdict == "pause", str(result))
    assert answer.code <= 32_767
    assert answer.note


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5, 77])
def test_every_refused_sign_in_says_why(status):
    assert answers.refused(status)
    assert not answers.refused(0)


@pytest.mark.parametrize(
    "stat", ["DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD", "MA:0001", "XY:99", ""]
)
def test_every_final_state_is_a_receipt(stat):
    receipt = receipts.receipt(report(stat), NOW)
    assert receipt.delivered is (stat == "DELIVRD")
    assert receipt.note
    assert not receipt.gone


def test_a_number_on_the_operators_blacklist_is_remembered():
    assert receipts.receipt(report("BLACK"), NOW).gone


@pytest.mark.parametrize("stat", ["ACCEPTD", "ENROUTE"])
def test_what_is_still_underway_is_no_receipt(stat):
    assert receipts.receipt(report(stat), NOW) is None


@pytest.mark.parametrize("done", ["", "9999999999", "26112215", "abc"])
def test_a_time_that_makes_no_sense_is_now(done):
    assert receipts.receipt(report("DELIVRD", done), NOW).at == NOW


def report(stat, done="2611221530"):
    return codec.Report(msg_id=1, stat=stat, submit_time=done, done_time=done, dest="13800005678")


def test_answers_that_are_not_yes_never_count_as_taken():
    assert all(answers.answer(result).verdict is not Verdict.TAKEN for result in range(1, 300))
