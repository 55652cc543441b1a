import pytest
import time_machine

from zaitu.kernel.signing import TokenRefused, fixed, is_fixed, sign, unsign


def test_a_token_gives_its_payload_back_until_it_expires():
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        token = sign({"waybill": "ZT0412883755124"}, "link", ttl_s=60)
        clock.shift(59)
        assert unsign(token, "link") == {"waybill": "ZT0412883755124"}
        clock.shift(1)
        with pytest.raises(TokenRefused):
            unsign(token, "link")


def test_a_token_is_good_for_its_purpose_only():
    token = sign({"user": 1}, "unsubscribe", ttl_s=60)
    with pytest.raises(TokenRefused):
        unsign(token, "sign-in")


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: "A" + t, lambda _: "", lambda t: t + "=", lambda _: "中文:x:y"]
)
def test_an_altered_token_is_refused(spoil):
    with pytest.raises(TokenRefused):
        unsign(spoil(sign({"a": 1}, "link", ttl_s=60)), "link")


def test_every_refusal_reads_the_same():
    with time_machine.travel("2026-11-22T10:00:00Z"):
        expired = sign({}, "link", ttl_s=1)
    said = set()
    for token, purpose in [(expired, "link"), ("x", "link"), (sign({}, "link", ttl_s=60), "other")]:
        with pytest.raises(TokenRefused) as refusal:
            unsign(token, purpose)
        said.add((refusal.value.message, refusal.value.error_code))
    assert len(said) == 1


def test_a_token_must_live_some_time():
    with pytest.raises(ValueError, match="live"):
        sign({}, "link", ttl_s=0)


def test_a_fixed_token_is_this_installations_and_this_purposes_alone(settings):
    token = fixed("callback.aliyun")
    assert is_fixed(token, "callback.aliyun")
    assert not is_fixed(token, "callback.tencent")
    assert not is_fixed("é", "callback.aliyun")
    settings.SECRET_KEY = "another"
    assert not is_fixed(token, "callback.aliyun")
