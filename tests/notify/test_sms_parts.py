"""A text as the SMS it takes, what operators refuse of it, and where the settings say it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zaitu.config.env import Env
from zaitu.notify.channels.cmpp import limits as cmpp_limits
from zaitu.notify.channels.cmpp.account import account as cmpp_account
from zaitu.notify.channels.operators import kept, parts
from zaitu.notify.channels.smpp import limits as smpp_limits
from zaitu.notify.channels.smpp.account import account as smpp_account
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.saying import DEFAULTS, Template

GSM7 = "".join(parts._CODES)


def joined(found, encoding, size):
    """The text again; the parts are numbered from 1, have one reference and are as long as they may be."""
    assert all(len(part) <= size for part in found)
    if len(found) == 1:
        return found[0]
    assert [part[:3] + part[4:6] for part in found] == [
        bytes([5, 0, 3, len(found), number]) for number in range(1, len(found) + 1)
    ]
    assert {part[3] for part in found} == {200}
    for part in found:
        part[6:].decode(encoding)  # raises where a character is cut in two
    return b"".join(part[6:] for part in found)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=0, max_size=600))
def test_ucs2_parts_put_together_are_the_text_and_no_character_is_cut(text):
    found = parts.ucs2(text, 200)
    assert joined(found, "utf-16-be", 140).decode("utf-16-be") == text
    assert (len(found) == 1) == (len(text.encode("utf-16-be")) <= 140)


@given(st.text(st.sampled_from(GSM7), max_size=600))
def test_gsm7_parts_put_together_are_the_text_and_no_escape_is_cut(text):
    found = parts.gsm7(text, 200)
    together = joined(found, "latin-1", 160)
    assert parts.gsm7_text(together) == text
    assert all(not part.endswith(b"\x1b") for part in found)
    assert (len(found) == 1) == (len(together) <= 160)


@pytest.mark.parametrize("text", ["货", "a货", "ç", "`"])
def test_what_gsm7_has_not_is_not_sent_in_it(text):
    assert parts.gsm7(text, 1) is None


@given(st.binary(max_size=50))
def test_any_octets_are_a_text_in_gsm7(octets):
    assert isinstance(parts.gsm7_text(octets), str)
    assert isinstance(parts.without_header(octets), bytes)


def test_a_lone_half_of_a_character_is_sent_as_a_question_mark_and_has_a_name():
    assert parts.ucs2("a\ud83d", 1) == ["a?".encode("utf-16-be")]
    assert kept.name_of("0" * 32, "a\ud83d") == kept.name_of("0" * 32, "a\ud83d")


# Templates


def template(text):
    return Template(kind=Kind.SIGNED, channel=Channel.SMS, language="zh-hans", text=text)


@pytest.mark.parametrize("limits", [cmpp_limits, smpp_limits])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("【顺驰】您的货物{waybill}已签收", "签名由系统加在前面"),
        ("您的货物\x07已签收", "控制字符"),
        ("长" * 665, "最多 670 个字"),
        ("您的货物{waybill}已签收，查询：{link}", ""),
        ("第一行\n第二行", ""),
    ],
)
def test_what_operators_would_refuse_is_told_before(settings, limits, text, expected):
    settings.ZAITU_SMS_SIGN = "顺驰物流"
    refused = limits.template_refused(template(text))
    assert set(refused) == ({"text"} if expected else set())
    assert expected in refused.get("text", "")
    assert limits.submitted(text) == text


def test_what_is_said_by_default_is_taken(settings):
    settings.ZAITU_SMS_SIGN = "顺驰物流"
    assert all(cmpp_limits.template_refused(template(text)) == {} for text in DEFAULTS.values())


# Settings

CMPP = "cmpp://900001:p%40ss@10.0.0.1"
SMPP = "smpp://zaitu:pw@10.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("cmpp_url", "smpp://a:b@h?source=1", "cmpp://账号:密码@主机"),
        ("cmpp_url", "cmpp://h:7890?source=1", "cmpp://账号:密码@主机"),
        ("cmpp_url", "cmpp://a@h?source=1", "cmpp://账号:密码@主机"),
        ("cmpp_url", f"{CMPP}", "source 须为接入号"),
        ("cmpp_url", f"{CMPP}?source=abc", "source 须为接入号"),
        ("cmpp_url", f"{CMPP}?source={'1' * 22}", "source 须为接入号"),
        ("cmpp_url", f"{CMPP}?source=1&version=4.0", "version 须为 2.0 或 3.0"),
        ("cmpp_url", "cmpp://9000012:x@h?source=1", "最多 6 个字符"),
        ("cmpp_url", f"{CMPP}?source=1&window=0", "window 须为 1–64"),
        ("cmpp_url", f"{CMPP}?source=1&window=65", "window 须为 1–64"),
        ("cmpp_url", f"{CMPP}?source=1&rate=fast", "rate 须为"),
        ("cmpp_url", f"{CMPP}?source=1&beat=0", "beat 须为"),
        ("cmpp_url", f"{CMPP}?source=1&service=12345678901", "service 最多 10"),
        ("cmpp_url", f"{CMPP}?source=1&fee_code=1234567", "fee_code 最多 6"),
        ("smpp_url", "http://a:b@h", "smpp://账号:密码@主机"),
        ("smpp_url", "smpp://h:2775", "smpp://账号:密码@主机"),
        ("smpp_url", "smpp://zaitu:123456789@h", "密码最多 8 个"),
        ("smpp_url", f"{SMPP}?alphabet=latin", "alphabet 须为"),
        ("smpp_url", f"{SMPP}?ids=dec", "ids 须为"),
        ("smpp_url", f"{SMPP}?source_ton=256", "source_ton 须为"),
        ("smpp_url", f"{SMPP}?system_type=1234567890123", "system_type 最多 12"),
    ],
)
def test_a_wrong_address_of_a_gateway_is_told(name, value, expected):
    with pytest.raises(ValueError, match=expected):
        Env(**{name: value})


@pytest.mark.parametrize("provider", ["cmpp", "smpp"])
def test_a_provider_without_its_gateway_is_told(provider):
    with pytest.raises(ValueError, match=f"还要设置 ZAITU_{provider.upper()}_URL"):
        Env(sms_provider=provider)


def test_an_address_says_how_the_gateway_wants_to_be_spoken_to():
    url = (
        f"{CMPP}?version=2.0&source=10690000&service=ZT&enterprise=123456&window=8&rate=20&beat=60&fee_user=0"
    )
    assert Env(sms_provider="cmpp", cmpp_url=url).cmpp_url == url
    account = cmpp_account(url)
    assert (account.name, account.secret, account.v3, account.enterprise) == (
        "900001",
        "p@ss",
        False,
        "123456",
    )
    place = account.place
    assert (place.host, place.port, place.window, place.rate, place.beat_s) == ("10.0.0.1", 7890, 8, 20, 60.0)
    assert "p@ss" not in repr(account)


def test_an_address_of_smpp_says_so_too():
    url = "smpps://zaitu:pw@smsc.example.cn?source=ShunChi"
    assert Env(sms_provider="smpp", smpp_url=url).smpp_url == url
    account = smpp_account(url)
    assert (account.place.tls, account.place.port, account.source_ton) == (True, 3550, 5)
    assert smpp_account(f"{SMPP}?source=10690000").source_ton == 0
    assert "pw" not in repr(account)


def test_a_secret_may_be_in_a_file(monkeypatch, tmp_path):
    from zaitu.config import env

    path = tmp_path / "cmpp"
    path.write_text(f"{CMPP}?source=1\n")
    monkeypatch.setenv("ZAITU_CMPP_URL_FILE", str(path))
    assert env._secrets_from_files()["cmpp_url"] == f"{CMPP}?source=1"
