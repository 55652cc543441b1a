import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.kernel.errors import Invalid
from zaitu.kernel.phones import address_masked, name_masked, phone_masked, phone_normal, phone_tail


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("13812345678", "13812345678"),
        ("138 1234 5678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("008613812345678", "13812345678"),
        ("１３８１２３４５６７８", "13812345678"),
        ("(021) 6123 4567", "02161234567"),
        ("021-61234567", "02161234567"),
        ("021-61234567-805", "02161234567-805"),
        ("021-61234567转805", "02161234567-805"),
        ("0571 8812 3456 ext. 12", "057188123456-12"),
        ("+86 21 6123 4567", "02161234567"),
        ("+86 10 6123 4567", "01061234567"),
        ("+86 010 61234567", "01061234567"),
        ("(021)61234567-805", "02161234567-805"),
        ("400-812-3456", "4008123456"),
        ("+852 9123 4567", "+85291234567"),
        ("0085291234567", "+85291234567"),
        ("+1 (415) 555-2671", "+14155552671"),
    ],
)
def test_one_number_has_one_spelling(typed, normal):
    assert phone_normal(typed) == normal
    assert phone_normal(normal) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345678901",
        "1381234567",
        "138123456789",
        "61234567",
        "abc",
        "+86",
        "00000000000",
        "1" * 500,
        "138１２３４ABCD",
    ],
)
def test_what_is_no_phone_number_is_refused(typed):
    with pytest.raises(Invalid, match="手机号"):
        phone_normal(typed)


@pytest.mark.parametrize(
    ("phone", "tail"), [("13812345678", "5678"), ("02161234567-805", "4567"), ("+85291234567", "4567")]
)
def test_the_tail_is_of_the_number_and_not_of_its_extension(phone, tail):
    assert phone_tail(phone) == tail


@settings(deadline=None)
@given(st.from_regex(r"\A1[3-9][0-9]{9}\Z"))
def test_a_masked_mobile_hides_six_digits_and_its_whole_tail(phone):
    masked = phone_masked(phone)
    assert len(masked) == 11
    assert masked.count("*") >= 6
    assert masked.endswith("****")


@pytest.mark.parametrize(
    "phone", ["02161234567-805", "4008123456", "+85291234567", "075523456789", "+6591234567"]
)
def test_other_numbers_hide_six_digits_too(phone):
    assert phone_masked(phone).count("*") >= 6
    assert not phone_masked(phone)[-4:].strip("*")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小明", "王**"),
        ("李雷", "李*"),
        ("张", "*"),
        ("", ""),
        ("买买提·艾力", "买***"),
        ("John Smith", "J***"),
    ],
)
def test_a_name_keeps_its_first_character_at_most(name, masked):
    assert name_masked(name) == masked


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("上海市青浦区华新镇新府中路1866号3幢502室", "上海市青浦区华新镇新府中路****"),
        ("成都市武侯区天府大道北段１２８号", "成都市武侯区天府大道北段****"),
        ("北京市朝阳区建国路甲八号院三单元", "北京市朝阳区建国路****"),
        ("湖北省武汉市洪山区珞喻路光谷中心花园B座", "湖北省武汉市洪山区珞喻路光谷中心花园****"),
        ("上海市青浦区", "上海市青浦区****"),
        ("幸福里小王家", "幸福里****"),
        ("", ""),
    ],
)
def test_an_address_ends_before_its_house_and_room(address, masked):
    assert address_masked(address) == masked
