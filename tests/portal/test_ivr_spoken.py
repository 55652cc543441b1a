"""What is said aloud, and which digits are heard."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journey import facts
from zaitu.journey.domain.document import CHINA, build
from zaitu.portal.ivr import spoken, telling

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=CHINA)


def at(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "零"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (105, "一百零五"),
        (412, "四百一十二"),
        (1010, "一千零一十"),
        (2005, "二千零五"),
        (10_000, "一万"),
        (120_030, "十二万零三十"),
    ],
)
def test_numbers(number, said):
    assert spoken.number_spoken(number) == said


def test_digits_of_a_waybill_are_said_as_on_a_telephone():
    assert spoken.waybill_spoken("ZT0412883755124") == "零四幺二，八八三七，五五幺二，四"


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        (at(27, 14, 20), "今天下午两点二十"),
        (at(27, 9), "今天上午九点"),
        (at(28, 0, 5), "明天凌晨零点零五分"),
        (at(29, 12, 30), "后天中午十二点半"),
        (at(26, 23, 45), "昨天晚上十一点四十五"),
        (at(2, 2, month=12), "十二月二号凌晨两点"),
        (at(3, 10, month=1, year=2027), "二零二七年一月三号上午十点"),
    ],
)
def test_instants(instant, said):
    assert spoken.instant_spoken(instant, NOW) == said


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (at(27, 9), at(27, 10), "今天上午九点到十点之间"),
        (at(27, 11), at(27, 13, 20), "今天上午十一点到下午一点二十之间"),
        (at(27, 23), at(28, 1), "今天晚上十一点到明天凌晨一点之间"),
        (at(28, 8), at(30, 8), "明天到十一月三十号之间"),
        (at(28, 0), at(28, 23), "明天"),
        (at(28, 9), at(28, 9), "明天上午九点"),
    ],
)
def test_windows(start, end, said):
    assert spoken.window_spoken(start, end, NOW) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "不到一分钟"), (2, "两分钟"), (100, "一小时四十分钟"), (120, "两小时"), (2890, "两天")],
)
def test_spans(minutes, said):
    assert spoken.span_spoken(minutes) == said


@pytest.mark.parametrize(
    ("speech", "digits"),
    [
        ("零四幺二 八八三七", "04128837"),
        ("尾号是五六拐八", "5678"),
        ("０４１２，8837", "04128837"),
        ("洞两三勾", "0239"),
        ("你好", ""),
        ("一个单号五五五五", "5555"),
    ],
)
def test_digits_are_heard_as_they_are_spoken(speech, digits):
    assert spoken.digits_heard(speech) == digits


@given(digits=st.text("0123456789", min_size=1, max_size=13))
def test_what_is_said_of_digits_is_heard_as_the_same_digits(digits):
    assert spoken.digits_heard(spoken.digits_spoken(digits)) == digits


def test_a_prompt_is_plain_text_and_valid_ssml_whatever_the_words():
    said = f"A<b>&{spoken.PAUSE}好？{spoken.PAUSE}完"
    assert spoken.text_plain(said) == "A<b>&。好？完。"
    assert spoken.text_ssml(said) == (
        '<speak>A&lt;b&gt;&amp;<break time="400ms"/>好？<break time="400ms"/>完</speak>'
    )


def told(now=facts.NOW, **more):
    document = build(facts.facts(**({"waybill": "ZT0412883755124"} | more)))
    return telling.facts(document, now=now.astimezone(CHINA))


def test_a_running_shipment_is_told_with_its_window_and_last_node():
    assert told().told == (
        "运单零四幺二，八八三七，五五幺二，四",
        "在途，已过武汉",
        "预计今天下午三点四十到四点二十之间送达，时间有变化是因为发车晚点",
        "最近一次更新是今天下午两点，途经武汉中转站，已发车",
    )


def test_an_exception_is_told_plainly_and_what_staff_typed_only_to_parties():
    overlay = {"code": "vehicle_breakdown", "level": 2, "cause": "司机 13812345678 报的故障", "plan": "换车"}
    heard = told(exception=overlay | {"eta_delta": 100})
    assert any(one.startswith("请注意，") for one in heard.told)
    assert "大约晚一小时四十分钟" in heard.told
    assert "司机" not in "".join(heard.told)
    assert "异常原因，司机 幺三八幺二三四五六七八 报的故障" in heard.personal


def test_who_signed_is_for_parties_only():
    document = build(facts.signed())
    heard = telling.facts(document, now=facts.NOW.astimezone(CHINA), surnames=(("收货人", "王"),))
    assert "代收" not in "".join(heard.told)
    assert heard.told[-1] == "今天下午两点已签收"
    assert heard.personal == ("收货人姓王", "今天下午两点签收三十件，他人代收")
