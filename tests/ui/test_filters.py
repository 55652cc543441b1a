"""Filters and components as templates use them."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils import translation

from zaitu.kernel import clock
from zaitu.ui import icons


def shown(source, **values):
    return Template("{% load people %}" + source).render(Context(values))


@pytest.mark.parametrize("name", ["when", "day", "hm", "ago", "km", "yuan", "blank"])
def test_a_missing_fact_is_a_dash(name):
    assert shown("{{ x|" + name + " }}", x=None) == "—"


@pytest.mark.parametrize(
    ("metres", "text"),
    [(412_300, "412 公里"), (3_440, "3.4 公里"), (804, "800 米"), (0, "0 米"), (1_234_567, "1,235 公里")],
)
def test_distances(metres, text):
    assert shown("{{ x|km }}", x=metres) == text


@pytest.mark.parametrize(("fen", "text"), [(123450, "¥1,234.50"), (5, "¥0.05"), (-100, "−¥1.00")])
def test_money_is_in_fen(fen, text):
    assert shown("{{ x|yuan }}", x=fen) == text


def test_instants_carry_their_offset():
    at = clock.now()
    assert shown("{{ x|iso }}", x=at).endswith("+08:00")
    assert shown("{{ x|iso }}", x=None) == ""


def test_english_words_follow_the_language():
    with translation.override("en"):
        assert shown("{{ x|ago }}", x=clock.now() - timedelta(minutes=3)) == "3 min ago"


def test_an_icon_is_decoration_unless_it_is_named():
    assert 'aria-hidden="true"' in icons.svg("truck")
    assert 'aria-label="a &lt;b&gt;"' in icons.svg("truck", label="a <b>")
    with pytest.raises(KeyError, match="not listed"):
        icons.svg("no-such-icon")


@pytest.mark.parametrize("name", sorted(icons.names()))
def test_every_listed_icon_is_there(name):
    assert icons.svg(name).startswith("<svg")


def test_components_escape_what_they_are_given():
    evil = "<script>alert(1)</script>"
    for source in (
        '<c-status-pill label="{{ x }}" tone="done" icon="check" />',
        '<c-empty title="{{ x }}" text="{{ x }}" />',
        '<c-notice tone="warn">{{ x }}</c-notice>',
        '<c-field name="a" label="{{ x }}" value="{{ x }}" error="{{ x }}" />',
    ):
        assert "<script>" not in shown(source, x=evil)
