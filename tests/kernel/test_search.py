import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.kernel.search import grams, query_grams

STORED = grams("上海顺驰物流有限公司 沪A·D12345 ZT0412883755124 Ｆｕｌｌ宽")


@pytest.mark.parametrize(
    "typed",
    [
        "顺驰",
        "物流",
        "有限公司",
        "海",
        "沪a",
        "D123",
        "zt0412",
        "883755",
        "FULL",
        "宽",
        "d12345",
        "上海 12345",
        "  ",
    ],
)
def test_any_part_of_a_text_finds_it(typed):
    assert set(query_grams(typed)) <= set(STORED)


@pytest.mark.parametrize("typed", ["顺丰", "海上", "北京", "D1235", "ZT0413", "沪B"])
def test_what_is_not_in_the_text_does_not_find_it(typed):
    assert not set(query_grams(typed)) <= set(STORED)


def test_what_holds_nothing_searchable_asks_for_nothing():
    assert query_grams(" ,。!·") == []


def test_grams_are_small_and_sorted():
    assert grams("京东ab") == ["ab", "东", "京", "京东"]
    assert len(grams("中" * 10_000)) == 2


@settings(deadline=None)
@given(st.text(max_size=60), st.data())
def test_every_run_of_han_finds_the_text_it_is_cut_from(text, data):
    han = "中国物流运单" + text
    start = data.draw(st.integers(0, 4))
    part = han[start : start + 2]
    assert set(query_grams(part)) <= set(grams(han))
