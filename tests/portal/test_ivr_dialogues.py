"""Whole telephone calls, as scripts."""

import pytest

from tests.portal.dialogues import FIRST, SECOND, Memory, played
from zaitu.portal.ivr.session import TURNS, Asked, Then, Verified, Why


def test_a_stranger_keys_a_number_hears_where_it_is_and_hangs_up():
    session = played(
        """
        < 您好，欢迎致电顺驰物流 请输入十三位运单号，按井号键结束 输错了请按星号键重新输入 转人工请按零
        > 0412883755124#
        < 运单尾号5124 在途，已过武汉 预计今天上午九点到十点之间送达 重听请按一 核对手机号后四位…按二 查询其他运单请按三 转人工请按零 没有其他问题请挂机
        > ：没有了谢谢
        < 感谢您的来电，再见【挂机】
        """
    )
    assert (session.state.told, session.state.verified, session.state.asked) == (
        (FIRST,),
        Verified.NO,
        (Asked.STATUS,),
    )


def test_thirteen_digits_need_no_hash_and_a_star_begins_anew():
    played(
        """
        > 99*04*0412883755124
        < 运单尾号5124…
        """
    )


def test_the_last_four_digits_open_the_details_and_stay_good_for_this_shipment_only():
    session = played(
        """
        > 0412883755124#
        > 2
        < 请输入收货人或发货人手机号的后四位 返回请按星号键
        > 1234
        < 与收发货人手机号后四位不符 请输入…
        > 5678
        < 收货人姓王 本人签收 重听请按一 听签收和位置详情请按二…
        > 1
        < 运单尾号5124…听签收和位置详情请按二…
        > 2
        < 收货人姓王…
        > 3
        < 请输入十三位运单号…
        > 3817460293559#
        < 运单尾号3559…核对手机号后四位…
        > 2
        < 请输入收货人…
        """
    )
    assert session.state.verified is Verified.NO


def test_a_caller_who_is_a_party_is_offered_their_shipments_and_need_not_prove_anything():
    session = played(
        """
        < 您好，欢迎致电顺驰物流 您有两票货物正在途中 从上海到成都，尾号五幺二四，查询请按一 从上海到成都，尾号三五五九，查询请按二 查询其他运单请按九 转人工请按零
        > 1
        < 运单尾号5124…
        > 2
        < 收货人姓王…
        > 3
        < 运单尾号3559…
        > 2
        < 收货人姓王…
        > 3
        < 请输入十三位运单号…
        """,
        Memory(own=(FIRST, SECOND)),
    )
    assert session.state.told == (FIRST, SECOND)
    assert session.state.verified is Verified.CALLER


def test_a_party_may_key_another_number_at_once():
    played(
        """
        < …您有一票货物正在途中 从上海到成都，尾号五幺二四，查询请按一 查询其他运单请按九…
        > 3817460293559#
        < 运单尾号3559…核对手机号后四位…
        """,
        Memory(own=(FIRST,)),
    )


def test_three_numbers_that_do_not_exist_lead_to_a_person():
    session = played(
        """
        > 1111111111111#
        < 没有查到这个单号，请核对后重新输入 请输入…
        > 222#
        < 没有查到这个单号…
        > 3333333333333#
        < 三次都没有查到这个单号，正在为您转接人工客服，请稍候【人工】
        > 0412883755124#
        < 三次都没有查到这个单号…【人工】
        """
    )
    assert session.state.why is Why.NUMBER


def test_three_wrong_tails_lead_to_a_person_who_is_told_so():
    world = Memory()
    session = played(
        """
        > 0412883755124#
        > 2
        > 1111
        > 22#
        > 3333
        < 三次核对都不一致…【人工】
        """,
        world,
    )
    assert (session.state.why, session.state.waybill, session.state.verified) == (
        Why.TAIL,
        FIRST,
        Verified.NO,
    )
    assert world.tries == ["1111", "3333"]


@pytest.mark.parametrize("before", ["", "> 0412883755124#", "> 0412883755124#\n> 2"])
@pytest.mark.parametrize("ask", ["0", "0#", "：转人工", "*0"])
def test_zero_or_the_word_is_a_person_at_any_time(before, ask):
    session = played(f"{before}\n> {ask}\n< 正在为您转接人工客服，请稍候【人工】")
    assert session.state.why is Why.ASKED
    assert Asked.PERSON in session.state.asked


def test_a_number_may_be_spoken_as_chinese_people_speak_digits():
    played(
        """
        > ：我的单号是，零四幺二 八八三七 五五一两 四
        < 运单尾号5124…
        > ：再说一遍
        < 运单尾号5124…
        > ：谁签收的
        < 请输入收货人…
        > ：五六拐八
        < 收货人姓王…
        > ：换一个单号
        < 请输入十三位运单号…
        """
    )


def test_the_link_is_offered_only_where_an_sms_can_be_sent_and_is_sent_once():
    world = Memory(sms=True)
    played(
        """
        > 0412883755124#
        < …把查询链接发到本机请按四…
        > 4
        < 查询链接已发送到您来电的手机 重听…
        > ：发短信给我
        < 查询链接已发送到您来电的手机…
        """,
        world,
    )
    assert world.sent == [(FIRST, False)]
    without = Memory()
    played("> 0412883755124#\n> 4\n< 没有听清您的选择…", without)
    assert without.sent == []


def test_a_verified_caller_gets_a_link_that_opens_everything():
    world = Memory(sms=True, own=(FIRST,))
    played("> 1\n> 4\n", world)
    assert world.sent == [(FIRST, True)]


def test_silence_after_an_answer_ends_the_call_and_before_one_leads_to_a_person():
    played("> 0412883755124#\n>\n>\n>\n< 感谢您的来电，再见【挂机】")
    session = played(">\n>\n>\n< 没有听清您的选择，正在为您转接人工客服，请稍候【人工】")
    assert session.state.why is Why.LOST


def test_whose_limit_is_reached_is_handed_to_a_person_before_anything_is_looked_up():
    assert played("> 0412883755124#\n< 查询次数过多…【人工】", Memory(busy=True)).state.why is Why.LIMIT


def test_nobody_talks_for_ever():
    session = played("> 0412883755124#\n" + "> 1\n" * TURNS)
    assert (session.state.then, session.state.why) == (Then.PERSON, Why.LONG)
