"""What a channel says in one sentence."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notify import make
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid
from zaitu.notify import public as notify
from zaitu.notify.adapters.claims import claim
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import PARAMS, Kind
from zaitu.notify.domain.saying import (
    DEFAULTS,
    VARIABLES,
    Template,
    link_short,
    said,
    sms_parts,
    template_checked,
    variables_of,
)
from zaitu.notify.models import MessageTemplate


def template(text, **given):
    return Template(
        **({"kind": Kind.SIGNED, "channel": Channel.SMS, "language": "zh-hans", "text": text} | given)
    )


def test_variables_come_in_the_order_in_which_they_are_named_and_none_is_empty():
    told = said(template("{place}：{waybill}已签收，{place}", code="SMS_1"), {"waybill": "ZT1"})
    assert told.text == "—：ZT1已签收，—"
    assert (told.code, told.variables) == ("SMS_1", (("place", "—"), ("waybill", "ZT1")))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "内容为 1–500 个字"),
        ("字" * 501, "内容为 1–500 个字"),
        ("您的货物{driver}", "没有这个变量：{driver}"),
        ("您的货物{waybill", "花括号没有成对"),
        ("您的货物waybill}", "花括号没有成对"),
        ("{{waybill}}", "花括号没有成对"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(text, why):
    with pytest.raises(Invalid) as refused:
        template_checked(template(text))
    assert refused.value.fields == {"text": why}


@given(st.text(max_size=60))
def test_a_template_that_is_taken_can_always_be_said(text):
    try:
        checked = template_checked(template(text))
    except Invalid:
        return
    assert all(name in VARIABLES for name in variables_of(checked.text))
    assert said(checked, {}).text


def test_every_kind_has_a_default_that_is_a_good_template_and_fits_two_sms():
    examples = {name: example for name, (_, example) in VARIABLES.items()}
    for kind, text in DEFAULTS.items():
        told = said(template_checked(template(text, kind=kind)), examples)
        assert sms_parts("【顺驰物流】" + told.text) <= 2
    assert set(DEFAULTS) == set(Kind)
    assert set(PARAMS) <= set(VARIABLES)


@pytest.mark.parametrize(("characters", "parts"), [(0, 1), (70, 1), (71, 2), (134, 2), (135, 3)])
def test_sms_are_counted_as_operators_count_them(characters, parts):
    assert sms_parts("字" * characters) == parts


def test_a_character_outside_the_basic_plane_counts_twice():
    assert sms_parts("😀" * 35) == 1
    assert sms_parts("😀" * 36) == 2


def test_links_are_short():
    assert link_short("https://t.example.cn/t/ZT1?k=abc") == ("https://t.example.cn/k/abc", "abc")
    assert link_short("https://t.example.cn/t/ZT1?k=abc&c=xyz") == ("https://t.example.cn/k/abc?c=xyz", "abc")
    assert link_short("https://t.example.cn/t/ZT1") == ("https://t.example.cn/t/ZT1", "")


@pytest.mark.django_db
def test_a_message_is_said_with_the_template_as_it_is_when_it_is_sent(settings):
    settings.ZAITU_SMS_PROVIDER = "aliyun"
    params = {"place": "武汉中转站", "link": "https://t.example.cn/t/ZT1?k=abc"}
    notify.tell(
        actor=make.SYSTEM,
        notice=make.notice(to=(notify.Recipient(person="contact:1", phone="13800005678"),), params=params),
    )
    MessageTemplate.objects.create(
        kind="departed", channel="sms", language="zh-hans", text="到了{place}，看{token}", code="T1",
        changed_at=clock.now(), changed_by="test",
    )  # fmt: skip
    now = clock.now()
    (parcel,) = claim(Channel.SMS, slots=1, now=now, lease_until=now + timedelta(seconds=20))
    assert (parcel.said.text, parcel.said.code) == ("到了武汉中转站，看abc", "T1")
    assert parcel.said.link == "https://t.example.cn/k/abc"
