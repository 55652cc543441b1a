"""Whatever is keyed or said: a call ends, tells strangers nothing about a person, and never breaks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.portal.dialogues import FIRST, SECOND, SECRET, Memory
from zaitu.portal.ivr.session import TURNS, Heard, IvrSession, State, Step, Then, Verified

KEYS = st.one_of(
    st.text("0123456789*#", max_size=20),
    st.sampled_from(["1", "2", "3", "4", "9", "*", "#", "", f"{FIRST[2:]}#", SECOND[2:], "1234", "5678"]),
)
HEARD = st.one_of(
    KEYS.map(lambda keys: Heard(keys=keys)),
    st.text(max_size=40).map(lambda words: Heard(speech=words)),
    st.text(max_size=40).map(lambda keys: Heard(keys=keys)),
    st.sampled_from(["人工", "再说一遍", "详情", "下一个", "发短信", "五六七八", "再见"]).map(
        lambda words: Heard(speech=words)
    ),
)


@settings(max_examples=400, deadline=None)
@given(turns=st.lists(HEARD, max_size=TURNS + 5), own=st.sampled_from([(), (FIRST,)]), sms=st.booleans())
def test_no_call_tells_personal_things_to_who_has_not_shown_who_they_are(turns, own, sms):
    world = Memory(own=own, sms=sms)
    session = IvrSession(world)
    session.begin()
    for turn in turns:
        right_before = "5678" in world.tries
        reply = session.hear(turn)
        session = IvrSession(world, State.unpacked(session.state.packed()))
        if SECRET in reply.say:
            assert session.state.verified is not Verified.NO
            assert session.state.waybill in own or "5678" in world.tries
        if session.state.waybill not in own and not right_before and "5678" not in world.tries:
            assert session.state.verified is Verified.NO
    assert all(waybill in own or "5678" in world.tries for waybill, verified in world.sent if verified)


@settings(max_examples=300, deadline=None)
@given(turns=st.lists(HEARD, min_size=TURNS + 1, max_size=TURNS + 1))
def test_every_call_ends_and_stays_ended(turns):
    session = IvrSession(Memory())
    session.begin()
    for turn in turns:
        reply = session.hear(turn)
    assert session.state.step is Step.OVER
    assert reply.then is not Then.LISTEN
    assert session.hear(turns[0]) == reply


@settings(max_examples=200, deadline=None)
@given(turns=st.lists(HEARD, max_size=TURNS))
def test_wrong_tails_asked_for_are_at_most_three_a_call(turns):
    world = Memory()
    session = IvrSession(world)
    session.begin()
    for turn in turns:
        session.hear(turn)
    assert len([tail for tail in world.tries if tail != "5678"]) <= 3
