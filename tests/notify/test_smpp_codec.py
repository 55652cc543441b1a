"""SMPP's octets: as others have recorded them, as another library reads and writes them, and whatever comes in instead."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import smpp34
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.notify.channels.operators.dialect import Garbage, Odd
from zaitu.notify.channels.operators.framing import frames
from zaitu.notify.channels.smpp import answers, codec, receipts
from zaitu.notify.channels.smpp.account import account
from zaitu.notify.channels.smpp.dialect import Smpp
from zaitu.notify.domain.delivery import Verdict

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RECORDED = json.loads((Path(__file__).parent / "data" / "smpp.json").read_text())["frames"]
DIALECT = Smpp(account("smpp://zaitu:pw@h?source=1069"))


@pytest.mark.parametrize("known", RECORDED, ids=lambda known: known["name"])
def test_recorded_frames_are_read_and_written_as_they_are(known):
    frame = bytes.fromhex(known["hex"])
    pdu = codec.decode(frame)
    ((kind, fields),) = known["is"].items()
    assert (type(pdu.body).__name__, pdu.status) == (kind, known.get("status", 0))
    for name, value in fields.items():
        assert getattr(pdu.body, name) == value
    if not known.get("shorter"):
        assert codec.encode(pdu) == frame


@pytest.mark.parametrize(
    "known", [one for one in RECORDED if "receipt" in one], ids=lambda known: known["name"]
)
def test_recorded_receipts_are_understood(known):
    body = codec.decode(bytes.fromhex(known["hex"])).body
    receipt = receipts.receipt(body, NOW)
    told = {"ref": receipt.ref, "delivered": receipt.delivered, "at": receipt.at.isoformat()}
    assert told == known["receipt"]
    assert receipts.receipt(body, NOW, hex_ids=True).ref == known["hex_receipt"]


def test_a_name_answered_in_hexadecimal_is_the_one_that_a_receipt_names_in_decimal():
    dialect = Smpp(account("smpp://zaitu:pw@h?source=1069&ids=hex"))
    resp = codec.encode(codec.Pdu(seq=1, body=codec.SubmitResp(message_id="38601fa")))
    assert dialect.told(resp, NOW).ref == "59113978"


octet = st.integers(0, 255)
seqs = st.integers(0, 2**31 - 1)


def ascii_(most):
    return st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=most)


tlvs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=80)), max_size=4).map(tuple)
fields = {
    "service_type": ascii_(5),
    "source_ton": octet,
    "source_npi": octet,
    "source": ascii_(20),
    "dest_ton": octet,
    "dest_npi": octet,
    "dest": ascii_(20),
    "esm_class": octet,
    "protocol_id": octet,
    "priority": octet,
    "schedule_time": ascii_(16),
    "validity": ascii_(16),
    "registered": octet,
    "replace": octet,
    "coding": octet,
    "default_id": octet,
    "short": st.binary(max_size=254),
    "tlvs": tlvs,
}
messages = st.one_of(st.builds(codec.Submit, **fields), st.builds(codec.Deliver, **fields))
bodies = st.one_of(
    messages,
    st.builds(
        codec.Bind,
        system_id=ascii_(15),
        password=ascii_(8),
        system_type=ascii_(12),
        version=octet,
        ton=octet,
        npi=octet,
        address_range=ascii_(40),
    ),
    st.builds(codec.BindResp, system_id=ascii_(15), tlvs=tlvs),
    st.builds(codec.SubmitResp, message_id=ascii_(64)),
    st.builds(codec.DeliverResp, message_id=ascii_(64)),
    st.sampled_from(
        [codec.EnquireLink(), codec.EnquireLinkResp(), codec.Unbind(), codec.UnbindResp(), codec.Nack()]
    ),
    st.builds(codec.Other, command=st.sampled_from([3, 0x103]), body=st.binary(max_size=60)),
)


@given(bodies, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=500)
def test_what_is_written_is_read_again(body, seq, status):
    pdu = codec.Pdu(seq=seq, status=status, body=body)
    frame = codec.encode(pdu)
    assert codec.decode(frame) == pdu
    assert list(frames(bytearray(frame), shortest=codec.HEADER, longest=codec.LONGEST)) == [frame]


# Beside another library

THEIRS = {
    "service_type": "service_type",
    "source_addr_ton": "source_ton",
    "source_addr_npi": "source_npi",
    "source_addr": "source",
    "dest_addr_ton": "dest_ton",
    "dest_addr_npi": "dest_npi",
    "destination_addr": "dest",
    "esm_class": "esm_class",
    "protocol_id": "protocol_id",
    "priority_flag": "priority",
    "schedule_delivery_time": "schedule_time",
    "validity_period": "validity",
    "registered_delivery": "registered",
    "replace_if_present_flag": "replace",
    "data_coding": "coding",
    "sm_default_msg_id": "default_id",
    "short_message": "short",
}


@given(messages, seqs)
@settings(deadline=None, max_examples=300)
def test_smpp34_writes_the_same_octets(body, seq):
    kind = smpp34.SubmitSm if isinstance(body, codec.Submit) else smpp34.DeliverSm
    given_ = {theirs: getattr(body, ours) for theirs, ours in THEIRS.items()}
    theirs = kind(**given_, tlvs=[smpp34.Tlv(tag, octets) for tag, octets in body.tlvs], sequence_number=seq)
    assert theirs.encode() == codec.encode(codec.Pdu(seq=seq, body=body))


@given(messages, seqs)
@settings(deadline=None, max_examples=300)
def test_smpp34_reads_the_same_fields(body, seq):
    theirs = smpp34.decode(codec.encode(codec.Pdu(seq=seq, body=body)))
    assert {ours: getattr(theirs, name) for name, ours in THEIRS.items()} == {
        ours: getattr(body, ours) for ours in THEIRS.values()
    }
    assert [(tlv.tag, tlv.value) for tlv in theirs.tlvs] == list(body.tlvs)


# Whatever comes in


def understood(content):
    """What becomes of it; any exception but Garbage fails the test."""
    try:
        return DIALECT.told(content, NOW)
    except Garbage:
        return None


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=500)
def test_any_octets_are_understood_or_refused(content):
    understood(content)


@given(st.sampled_from([0, 1, 3, 4, 5, 6, 9, 0x15]), st.booleans(), st.binary(max_size=300))
@settings(deadline=None, max_examples=800)
def test_any_body_of_a_known_command_is_understood_or_refused(command, response, body):
    command |= 0x8000_0000 if response else 0
    frame = b"".join(n.to_bytes(4, "big") for n in (16 + len(body), command, 0, 1)) + body
    told = understood(frame)
    assert told is not None
    if command == 5 and isinstance(told, Odd):
        assert told.answer, "a deliver_sm that cannot be read is answered, or it would be repeated for ever"


@given(fields["short"], tlvs, st.sampled_from([4, 0x44, 0]), octet)
@settings(deadline=None, max_examples=500)
def test_any_receipt_or_text_can_be_stored(short, tlvs, esm_class, coding):
    body = codec.Deliver(short=short, tlvs=tlvs, esm_class=esm_class, coding=coding)
    told = understood(codec.encode(codec.Pdu(seq=1, body=body)))
    kept = getattr(told, "receipt", None) or getattr(told, "text", None)
    if kept is not None:
        assert "\0" not in repr(kept).replace("\\x00", "\0")
        assert len(kept.ref) <= 100


@given(bodies, st.integers(1, 200))
@settings(deadline=None, max_examples=300)
def test_half_and_over_long_pdus_are_refused(body, cut):
    frame = codec.encode(codec.Pdu(seq=1, body=body))
    for wrong in (frame[: -min(cut, len(frame))], frame + bytes(cut)):
        with pytest.raises(codec.Malformed):
            codec.decode(wrong)


def test_an_impossible_length_is_garbage():
    for length in (0, 15, 70_001, 0xFFFF_FFFF):
        with pytest.raises(Garbage):
            list(frames(bytearray(length.to_bytes(4, "big")), shortest=codec.HEADER, longest=codec.LONGEST))


# What it means


@pytest.mark.parametrize("status", [*answers.STATUSES, 0x400, 0xFFFF_FFFF])
def test_every_status_has_its_verdict(status):
    answer = answers.answer(status)
    name, verdict, _ = answers.STATUSES.get(status, (f"{status:#010x}", Verdict.RETRY, ""))
    assert (answer.verdict, answer.reason, answer.rests) == (verdict, name, verdict is Verdict.PAUSE)
    assert answer.verdict is not Verdict.TAKEN
    assert answer.code <= 32_767


@pytest.mark.parametrize("status", [0x04, 0x05, 0x0D, 0x0E, 0x0F, 0x53, 0x77])
def test_every_refused_sign_in_says_why(status):
    assert answers.refused(status)
    assert not answers.refused(0)


STATES = {1: None, 2: True, 3: False, 4: False, 5: False, 6: None, 7: False, 8: False, 99: False}


@pytest.mark.parametrize(("state", "delivered"), STATES.items())
def test_every_state_of_a_receipt_in_tlvs_is_understood(state, delivered):
    body = codec.Deliver(esm_class=4, tlvs=((0x1E, b"abc\0"), (0x427, bytes([state]))))
    receipt = receipts.receipt(body, NOW)
    assert (receipt and receipt.delivered) is delivered


@pytest.mark.parametrize("text", [b"", b"hello", b"id:7", b"stat:DELIVRD"])
def test_a_receipt_that_names_nothing_is_answered_and_left(text):
    body = codec.Deliver(esm_class=4, short=text)
    told = understood(codec.encode(codec.Pdu(seq=1, body=body)))
    assert isinstance(told, Odd)
    assert told.answer


def test_an_error_beside_the_state_is_told():
    body = codec.Deliver(
        esm_class=4, short=b"id:7 done date:261122153059 stat:UNDELIV err:00B text:err:999 stat:DELIVRD"
    )
    receipt = receipts.receipt(body, NOW)
    assert (receipt.code, receipt.note, receipt.delivered) == ("UNDELIV 00B", "无法送达（00B）", False)
    assert receipt.at == datetime(2026, 11, 22, 7, 30, 59, tzinfo=UTC)
