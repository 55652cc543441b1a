"""What goes into WeChat's fields is cut or written anew so that it fits, and what cannot fit is told beforehand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notify.wechat_server import FIELDS
from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.fields import LIMITS, DoesNotFit, fields_parsed, fitted
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.saying import Template, said, template_checked


def fit(name, value):
    return fitted(((name, value),), year=2026)[name]


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("thing1", "武汉中转站", "武汉中转站"),
        ("thing1", "武" * 21, "武" * 19 + "…"),
        ("thing1", "两\n行\t字", "两 行 字"),
        ("number2", "3 件", "3"),
        ("number2", "１２，000 公斤", "12000"),
        ("letter3", "ZT-381", "ZT"),
        ("symbol3", "上海 → 成都", "→"),
        ("character_string3", "运单 ZT3817460293559", "ZT3817460293559"),
        ("phrase4", "本人已经签收啦", "本人已经签"),
        ("phrase4", "在途 3", "在途"),
        ("time5", "11月22日 15:20–16:00", "2026年11月22日 15:20~2026年11月22日 16:00"),
        ("time5", "11月22日 23:20–11月23日 1:00", "2026年11月22日 23:20~2026年11月23日 1:00"),
        ("time5", "15：20", "15:20"),
        ("date6", "2027年1月3日", "2027年1月3日"),
        ("date6", "1月3日 08:00", "2026年1月3日 08:00"),
        ("amount7", "¥1,280.50", "1280.50元"),
        ("phone_number8", "400-800-1234", "400-800-1234"),
        ("car_number9", "鄂A12345挂车头", "鄂A12345…"),
    ],
)
def test_a_value_is_written_as_its_field_takes_it(name, value, written):
    assert fit(name, value) == written
    check = FIELDS.get(name.rstrip("0123456789"))
    assert check is None or check(written)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time5", "明天下午"),
        ("time5", "11月22日"),
        ("time5", "—"),
        ("date6", "15:20"),
        ("number2", "若干"),
        ("number2", "1" * 33),
        ("letter3", "武汉"),
        ("character_string3", "Z" * 33),
        ("phrase4", "OK"),
        ("amount7", "12345678901 元"),
        ("symbol3", "!!!!!!"),
        ("thing1", " \n"),
    ],
)
def test_what_does_not_fit_is_named(name, value):
    with pytest.raises(DoesNotFit, match=name):
        fit(name, value)


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=80))
def test_whatever_is_said_fits_or_is_refused(kind, value):
    try:
        written = fit(f"{kind}1", value)
    except DoesNotFit:
        return
    assert FIELDS[kind](written), (kind, value, written)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("您的货物{waybill}已签收", "后面要有 ="),
        ("thing1=", "后面要有 ="),
        ("stuff1={place}", "没有 stuff1 这种字段"),
        ("thing={place}", "没有 thing 这种字段"),
        ("thing1={place};thing1={route}", "写了两次"),
        (";".join(f"thing{n}={{place}}" for n in range(11)), "1–10 个字段"),
        (";", "1–10 个字段"),
        ("number1={place}", "number1 只能填32 位以内的数字，填不进“武汉中转站”"),
        ("time1={waybill}", "time1 只能填时刻"),
        ("character_string1={status}", "character_string1 只能填"),
    ],
)
def test_a_template_that_cannot_work_is_refused_when_it_is_written(text, why):
    for channel in (Channel.WECHAT, Channel.MINI):
        with pytest.raises(Invalid) as refused:
            template_checked(
                Template(kind=Kind.DEPARTED, channel=channel, language="zh-hans", text=text, code="t")
            )
        assert why in refused.value.fields["text"]


def test_a_good_template_maps_our_words_to_its_fields():
    text = "thing1 = {place}； time2={eta}\ncharacter_string3={waybill}"
    assert fields_parsed(text) == (
        ("thing1", "{place}"),
        ("time2", "{eta}"),
        ("character_string3", "{waybill}"),
    )
    template = template_checked(
        Template(kind=Kind.DEPARTED, channel=Channel.MINI, language="zh-hans", text=text, code="tmpl")
    )
    told = said(template, {"place": "a;b=c", "eta": "11月22日 15:20", "waybill": "ZT1"})
    assert dict(told.fields) == {"thing1": "a;b=c", "time2": "11月22日 15:20", "character_string3": "ZT1"}


def test_the_default_sentence_maps_nothing():
    told = said(
        Template(kind=Kind.TEST, channel=Channel.MINI, language="zh-hans", text="这是一条测试消息"), {}
    )
    assert told.fields == ()


def test_every_kind_of_field_says_what_it_takes():
    assert all(said_ for said_, _ in LIMITS.values())
