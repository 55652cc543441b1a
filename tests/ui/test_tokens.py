"""Contrast of the tokens, measured after WCAG 2.2 from the file itself."""

import re
from pathlib import Path

import pytest

import zaitu.ui

CSS = (Path(zaitu.ui.__file__).parent / "static/ui/tokens.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--z-([a-z-]+):\s*(#[0-9a-f]{6})", block))
    for block in re.findall(
        r"(?:^:root|^\[data-bs-theme=\"dark\"\]) \{(.*?)\n\}", CSS, re.DOTALL | re.MULTILINE
    )[:2]
)
TEXT = [
    ("text", "bg"), ("text", "surface"), ("text", "sunken"), ("muted", "surface"), ("muted", "bg"), ("muted", "sunken"),
    ("primary-text", "surface"), ("primary-text", "bg"), ("on-primary", "primary"), ("bg", "text"),
    *((f"{tone}-text", f"{tone}-soft") for tone in ("primary", "now", "done", "warn", "danger", "neutral")),
    *((f"{tone}-text", "surface") for tone in ("now", "done", "warn", "danger", "neutral")),
    ("text", "warn-soft"), ("text", "danger-soft"), ("muted", "warn-soft"), ("muted", "danger-soft"),
]  # fmt: skip
EDGES = [
    ("line-strong", "surface"),
    ("focus", "bg"),
    ("focus", "surface"),
    ("primary", "surface"),
    ("done", "surface"),
]


def luminance(colour):
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read(mode, front, back):
    assert contrast(mode[front], mode[back]) >= 4.5


@pytest.mark.parametrize("mode", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), EDGES)
def test_edges_of_controls_can_be_seen(mode, front, back):
    assert contrast(mode[front], mode[back]) >= 3


def test_the_promised_colours_are_the_tokens():
    assert (LIGHT["primary"], LIGHT["now"], LIGHT["done"]) == ("#1463ff", "#ff7a1a", "#12a150")
    assert (LIGHT["warn"], LIGHT["warn-soft"], LIGHT["danger"], LIGHT["danger-soft"]) == (
        "#b97700",
        "#fff4dc",
        "#c9281c",
        "#fdecea",
    )
