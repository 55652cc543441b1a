import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.kernel.waybills import Mistyped, waybill_make, waybill_new, waybill_normal

TWELVE = st.text("0123456789", min_size=12, max_size=12)
NUMBER = waybill_new("ZT", "041288375512")


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@settings(deadline=None)
@given(TWELVE)
def test_every_single_wrong_digit_is_recognised(digits):
    number = waybill_new("ZT", digits)
    for place in range(2, len(number)):
        for wrong in set("0123456789") - {number[place]}:
            with pytest.raises(Mistyped):
                waybill_normal(number[:place] + wrong + number[place + 1 :])


@settings(deadline=None)
@given(TWELVE)
def test_every_swap_of_two_neighbours_is_recognised(digits):
    number = waybill_new("ZT", digits)
    for place in range(2, len(number) - 1):
        left, right = number[place], number[place + 1]
        if left != right:
            with pytest.raises(Mistyped):
                waybill_normal(number[:place] + right + left + number[place + 2 :])


@pytest.mark.parametrize(
    "typed",
    [
        NUMBER,
        NUMBER.lower(),
        full_width(NUMBER),
        f"  {NUMBER[:2]} {NUMBER[2:6]} {NUMBER[6:10]} {NUMBER[10:]}\n",
        f"{NUMBER[:2]}-{NUMBER[2:8]}—{NUMBER[8:]}",
        NUMBER.replace("0", "O"),
        NUMBER.replace("0", "o").replace("1", "l"),
        NUMBER.replace("1", "I"),
        NUMBER[2:],
        f"{NUMBER[:2]}\u3000{NUMBER[2:]}",
    ],
)
def test_what_people_type_becomes_the_stored_number(typed):
    assert waybill_normal(typed) == NUMBER


def test_digits_alone_get_the_prefix_asked_for():
    assert waybill_normal(NUMBER[2:], prefix="SF") == "SF" + NUMBER[2:]


def test_a_zero_in_the_prefix_is_read_as_the_letter():
    number = waybill_new("ZTO", "041288375512")
    assert waybill_normal(number.replace("O", "0")) == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "ZT",
        NUMBER[:-1],
        NUMBER + "1",
        NUMBER[:-1] + "X",
        "Z" + NUMBER[2:],
        "ZTABC" + NUMBER[2:],
        "运单" + NUMBER,
        "张三" + NUMBER[2:],
        NUMBER[:-1] + "٣",  # an Arabic-Indic digit is a digit for Python, and none of ours
        "ZT" + "²" * 13,
        "'; DROP TABLE x--",
        "9" * 10_000,
        "\x00" * 15,
    ],
)
def test_what_cannot_be_a_waybill_number_is_refused(typed):
    with pytest.raises(Mistyped) as refusal:
        waybill_normal(typed)
    assert refusal.value.error_code == "waybill_mistyped"
    assert typed.strip() == "" or typed not in refusal.value.message, "nothing typed is echoed"


@pytest.mark.parametrize(
    "typed",
    [
        f"{NUMBER}-001",
        f"{NUMBER.lower()} — 999",
        f"{NUMBER}012",
        f"{NUMBER[2:]}-OO1",
        full_width(f"{NUMBER}-001"),
    ],
)
def test_a_piece_label_stands_for_its_waybill_where_pieces_do_not_matter(typed):
    assert waybill_normal(typed) == NUMBER
    with pytest.raises(Mistyped):
        waybill_normal(typed, label=False)


@pytest.mark.parametrize("typed", [f"{NUMBER[:-1]}6-001", f"{NUMBER}-01", f"{NUMBER}-0001", f"{NUMBER}-A01"])
def test_a_label_with_a_wrong_digit_or_length_is_no_number(typed):
    with pytest.raises(Mistyped):
        waybill_normal(typed)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_either_a_number_or_refused(text):
    try:
        number = waybill_normal(text)
    except Mistyped:
        return
    assert waybill_normal(number) == number


def test_made_numbers_differ_and_are_normal():
    made = {waybill_make("ZT") for _ in range(200)}
    assert len(made) == 200
    assert all(waybill_normal(number) == number for number in made)


@pytest.mark.parametrize(
    ("prefix", "digits"), [("Z", "0" * 12), ("zt", "0" * 12), ("ZT", "0" * 11), ("ZT", "00000000000x")]
)
def test_a_number_is_not_made_of_anything_else(prefix, digits):
    with pytest.raises(ValueError, match="not"):
        waybill_new(prefix, digits)
