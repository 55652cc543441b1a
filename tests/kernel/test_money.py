import pytest

from zaitu.kernel.money import Fen, fen_of, yuan_text


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "¥0.00"), (5, "¥0.05"), (123450, "¥1,234.50"), (-199, "-¥1.99"), (10**11, "¥1,000,000,000.00")],
)
def test_fen_are_shown_in_yuan(fen, text):
    assert yuan_text(Fen(fen)) == text


@pytest.mark.parametrize(
    ("typed", "fen"), [("12", 1200), ("1,234.5", 123450), ("¥0.05", 5), ("-1.99", -199), ("￥3.10", 310)]
)
def test_yuan_as_written_become_fen(typed, fen):
    assert fen_of(typed) == fen


@pytest.mark.parametrize("typed", ["", "1.234", "1e3", "NaN", "一百", "1.-5", "٣"])
def test_what_is_no_amount_is_refused(typed):
    with pytest.raises(ValueError, match="amount"):
        fen_of(typed)
