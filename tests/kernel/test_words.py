import pytest

from zaitu.kernel.words import hides, shown

HIDDEN = [
    "\x00",
    "\x1b",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
    "\ufeff",
    "\u200b",
    "\u2028",
    "\ud800",
]


@pytest.mark.parametrize("char", HIDDEN)
def test_a_character_that_nobody_sees_is_found_and_taken_out(char):
    assert hides(f"数控{char}刀具")
    assert hides(f"数控{char}刀具", lines=True)
    assert shown(f" 数控{char}刀具 ") == "数控刀具"


@pytest.mark.parametrize(
    "text", ["数控刀具 A-1（大）", "Ünïcode 𝕏", "👩\u200d🔧 维修", "می\u200cروم", "上海・青浦"]
)
def test_what_people_write_stays(text):
    assert not hides(text)
    assert shown(text) == text


def test_line_breaks_stay_where_lines_may_be():
    assert hides("一\n二")
    assert not hides("一\n二", lines=True)
    assert shown("一\n二") == "一二"
    assert shown("一\n二", lines=True) == "一\n二"
