"""The conversation with a caller, as text: keys and recognised words in, prompts out. Pure: what it must know it asks its `World`.

Every call ends: what is not understood three times goes to a person, and so does whoever talks longer than `TURNS`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from zaitu.portal.ivr.spoken import PAUSE, count_spoken, digits_heard, number_spoken, waybill_spoken

NUMBER_DIGITS: Final = 13
TAIL_DIGITS: Final = 4
TRIES: Final = 3
"""Numbers that are not found, wrong tails, and turns that are not understood, each: then a person."""
TURNS: Final = 60
OFFERED: Final = 5
"""Shipments of the caller's that are read out."""
KEYS_MAX: Final = 64
_LONG: Final = 10
"""So many digits are a number wherever they are keyed."""


class Step(StrEnum):
    NEW = "new"
    CHOICE = "choice"
    """The caller's own shipments were read out."""
    NUMBER = "number"
    MENU = "menu"
    """A shipment was told."""
    TAIL = "tail"
    OVER = "over"


class Then(StrEnum):
    """What the telephone system does after the prompt."""

    LISTEN = "listen"
    PERSON = "person"
    HANG_UP = "hang_up"


class Verified(StrEnum):
    NO = ""
    CALLER = "caller"
    """The calling number is a party's."""
    TAIL = "tail"
    """The last four digits were right."""


class Asked(StrEnum):
    STATUS = "status"
    DETAILS = "details"
    SMS = "sms"
    PERSON = "person"


class Why(StrEnum):
    """Why a call was handed to a person."""

    NONE = ""
    ASKED = "asked"
    NUMBER = "number"
    TAIL = "tail"
    LOST = "lost"
    """Three times nothing was understood."""
    LIMIT = "limit"
    """Too many wrong tries from this number or at this waybill."""
    LONG = "long"


class Busy(Exception):
    """A limit is reached: nothing more is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What can be said of one shipment."""

    waybill: str
    route: str
    """从上海到成都; may be empty."""
    told: tuple[str, ...]
    """Sentences for everybody."""
    personal: tuple[str, ...]
    """Sentences for parties only."""


class World(Protocol):
    """What the conversation may ask for, about this one call."""

    company: str

    def mine(self) -> tuple[str, ...]:
        """Waybills of running shipments whose party the calling number is, the newest first."""

    def find(self, digits: str) -> str:
        """The waybill of a keyed number, or nothing. Raises Busy."""

    def facts(self, waybill: str) -> Facts:
        """What is known now."""

    def is_party(self, waybill: str) -> bool:
        """Whether the calling number is a party's."""

    def tail_fits(self, waybill: str, tail: str) -> bool:
        """Counted. Raises Busy."""

    def sms_offered(self) -> bool: ...

    def sms_send(self, waybill: str, *, verified: bool) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One turn of the caller's. Both empty: nothing was keyed and nothing said."""

    keys: str = ""
    speech: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    say: str
    """With `spoken.PAUSE` between its sentences."""
    then: Then = Then.LISTEN
    digits_max: int = 1
    """Digits to wait for; `#` ends them sooner."""
    wait_s: int = 6
    """Seconds without a key after which the turn is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that a call is between two turns; holds nothing about a person."""

    step: Step = Step.NEW
    waybill: str = ""
    verified: Verified = Verified.NO
    """For this waybill."""
    mine: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    """Waybills that were told, in order, each once."""
    asked: tuple[Asked, ...] = ()
    sent: tuple[str, ...] = ()
    """Waybills whose link was sent."""
    wrong_numbers: int = 0
    wrong_tails: int = 0
    lost: int = 0
    turns: int = 0
    then: Then = Then.LISTEN
    why: Why = Why.NONE

    def packed(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> "State":
        lists = {name: tuple(packed[name]) for name in ("mine", "told", "sent")}
        return cls(
            **{
                **packed,
                **lists,
                "step": Step(packed["step"]),
                "verified": Verified(packed["verified"]),
                "asked": tuple(Asked(one) for one in packed["asked"]),
                "then": Then(packed["then"]),
                "why": Why(packed["why"]),
            }
        )


class _Wish(StrEnum):
    NOTHING = "nothing"
    UNCLEAR = "unclear"
    AGAIN = "again"
    """`*`: begin anew."""
    PERSON = "person"
    REPEAT = "repeat"
    DETAILS = "details"
    NEXT = "next"
    SMS = "sms"
    BYE = "bye"


_WORDS: Final = (
    (_Wish.PERSON, re.compile("人工|客服|转人|真人|接线|投诉|0号键")),
    (_Wish.REPEAT, re.compile("重复|重听|再说|再听|再讲|没听清|听不清")),
    (_Wish.NEXT, re.compile("下一|另一|另外|别的|其他|换一|再查")),
    (_Wish.SMS, re.compile("短信|链接|发给我|发到")),
    (_Wish.DETAILS, re.compile("详情|详细|谁签|签收人|收货人|具体位置|到哪|在哪|核实|验证")),
    (_Wish.BYE, re.compile("再见|没有了|没了|不用|挂了|挂断|谢谢")),
)
_MENU: Final = {"1": _Wish.REPEAT, "2": _Wish.DETAILS, "3": _Wish.NEXT, "4": _Wish.SMS}
_ASK_NUMBER: Final = f"请输入十三位运单号，按井号键结束{PAUSE}输错了请按星号键重新输入{PAUSE}转人工请按零"
_ASK_TAIL: Final = f"请输入收货人或发货人手机号的后四位{PAUSE}返回请按星号键"
_ENDINGS: Final[Mapping[Why, str]] = {
    Why.ASKED: "正在为您转接人工客服，请稍候",
    Why.NUMBER: "三次都没有查到这个单号，正在为您转接人工客服，请稍候",
    Why.TAIL: "三次核对都不一致，正在为您转接人工客服，请稍候",
    Why.LOST: "没有听清您的选择，正在为您转接人工客服，请稍候",
    Why.LIMIT: "查询次数过多，正在为您转接人工客服，请稍候",
    Why.LONG: "正在为您转接人工客服，请稍候",
}
_BYE: Final = "感谢您的来电，再见"


class IvrSession:
    """One call. After `begin` and each `hear`, `state` is what must be kept for the next turn."""

    def __init__(self, world: World, state: State | None = None) -> None:
        self._world = world
        self.state = state or State()

    def begin(self) -> Reply:
        """The greeting, and what may be keyed; again, it begins anew. A call that is over stays over."""
        if self.state.step is Step.OVER:
            return self._ended()
        hello = f"您好，欢迎致电{self._world.company}" if self._world.company else "您好"
        mine = self._world.mine()[:OFFERED]
        self._set(mine=mine)
        return self._choice(f"{hello}{PAUSE}") if mine else self._number(f"{hello}{PAUSE}")

    def hear(self, heard: Heard) -> Reply:
        """What is said after what the caller keyed or said. Never raises."""
        if self.state.step is Step.OVER:
            return self._ended()
        if self.state.step is Step.NEW:
            return self.begin()
        self._set(turns=self.state.turns + 1)
        try:
            return self._turn(*understood(heard, self.state.step))
        except Busy:
            return self._person(Why.LIMIT)

    def _turn(self, wish: _Wish, digits: str) -> Reply:
        if self.state.turns > TURNS:
            return self._person(Why.LONG)
        if wish is _Wish.PERSON:
            self._note(Asked.PERSON)
            return self._person(Why.ASKED)
        if wish is _Wish.BYE:
            return self._bye()
        if self.state.step is not Step.TAIL and len(digits) >= _LONG:
            return self._keyed_number(digits)
        steps: Mapping[Step, Callable[[_Wish, str], Reply]] = {
            Step.CHOICE: self._in_choice,
            Step.NUMBER: self._in_number,
            Step.MENU: self._in_menu,
            Step.TAIL: self._in_tail,
        }
        return steps[self.state.step](wish, digits)

    # The steps

    def _in_choice(self, wish: _Wish, digits: str) -> Reply:
        if wish in {_Wish.AGAIN, _Wish.NEXT} or digits == "9":
            return self._number()
        if len(digits) == 1 and 1 <= int(digits) <= len(self.state.mine):
            return self._tell(self.state.mine[int(digits) - 1])
        if wish is _Wish.REPEAT:
            return self._counted_lost() or self._choice()
        return self._not_understood(self._choice)

    def _in_number(self, wish: _Wish, digits: str) -> Reply:
        if wish in {_Wish.AGAIN, _Wish.REPEAT}:
            return self._counted_lost() or self._number()
        if not digits:
            return self._not_understood(self._number)
        return self._keyed_number(digits)

    def _in_menu(self, wish: _Wish, digits: str) -> Reply:
        wish = _MENU.get(digits, wish)
        if wish is _Wish.NOTHING:
            return self._counted_lost(silent=True) or self._menu()
        if wish is _Wish.REPEAT:
            return self._tell(self.state.waybill)
        if wish is _Wish.DETAILS:
            return self._details()
        if wish in {_Wish.NEXT, _Wish.AGAIN}:
            return self._next()
        if wish is _Wish.SMS and self._world.sms_offered():
            return self._sms()
        return self._not_understood(self._menu)

    def _in_tail(self, wish: _Wish, digits: str) -> Reply:
        if wish is _Wish.AGAIN:
            self._set(step=Step.MENU)
            return self._menu()
        if wish is _Wish.NEXT:
            return self._next()
        if not digits:
            return self._not_understood(self._tail)
        if len(digits) == TAIL_DIGITS and self._world.tail_fits(self.state.waybill, digits):
            self._set(verified=Verified.TAIL, lost=0)
            return self._details()
        self._set(wrong_tails=self.state.wrong_tails + 1)
        if self.state.wrong_tails >= TRIES:
            return self._person(Why.TAIL)
        return self._tail(f"与收发货人手机号后四位不符{PAUSE}")

    # What is said

    def _choice(self, before: str = "") -> Reply:
        self._set(step=Step.CHOICE)
        mine = self.state.mine
        one = len(mine) == 1
        head = "您有一票货物正在途中" if one else f"您有{count_spoken(len(mine), '票')}货物正在途中"
        offers = [
            f"{self._world.facts(waybill).route}，尾号{waybill_spoken(waybill[-4:])}，查询请按{number_spoken(at)}"
            for at, waybill in enumerate(mine, start=1)
        ]
        said = PAUSE.join([head, *(offer.lstrip("，") for offer in offers)])
        return Reply(
            say=f"{before}{said}{PAUSE}查询其他运单请按九{PAUSE}转人工请按零", digits_max=NUMBER_DIGITS
        )

    def _number(self, before: str = "") -> Reply:
        self._set(step=Step.NUMBER)
        return Reply(say=f"{before}{_ASK_NUMBER}", digits_max=NUMBER_DIGITS, wait_s=8)

    def _keyed_number(self, digits: str) -> Reply:
        waybill = self._world.find(digits)
        if waybill:
            self._set(wrong_numbers=0)
            return self._tell(waybill)
        self._set(wrong_numbers=self.state.wrong_numbers + 1)
        if self.state.wrong_numbers >= TRIES:
            return self._person(Why.NUMBER)
        return self._number(f"没有查到这个单号，请核对后重新输入{PAUSE}")

    def _tell(self, waybill: str) -> Reply:
        facts = self._world.facts(waybill)
        known = self.state.verified if waybill == self.state.waybill else Verified.NO
        if known is Verified.NO and self._world.is_party(waybill):
            known = Verified.CALLER
        told = self.state.told if waybill in self.state.told else (*self.state.told, waybill)
        self._set(step=Step.MENU, waybill=waybill, verified=known, told=told, lost=0)
        self._note(Asked.STATUS)
        return self._menu(PAUSE.join(facts.told) + PAUSE)

    def _details(self) -> Reply:
        if self.state.verified is Verified.NO:
            self._set(step=Step.TAIL)
            return self._tail()
        self._set(step=Step.MENU, lost=0)
        self._note(Asked.DETAILS)
        personal = self._world.facts(self.state.waybill).personal or ("目前没有更多信息",)
        return self._menu(PAUSE.join(personal) + PAUSE)

    def _tail(self, before: str = "") -> Reply:
        return Reply(say=f"{before}{_ASK_TAIL}", digits_max=TAIL_DIGITS)

    def _next(self) -> Reply:
        mine = self.state.mine
        after = mine[mine.index(self.state.waybill) + 1 :] if self.state.waybill in mine else mine
        following = [waybill for waybill in after if waybill not in self.state.told]
        return self._tell(following[0]) if following else self._number()

    def _sms(self) -> Reply:
        waybill = self.state.waybill
        if waybill not in self.state.sent:
            self._world.sms_send(waybill, verified=self.state.verified is not Verified.NO)
            self._set(sent=(*self.state.sent, waybill))
        self._note(Asked.SMS)
        self._set(lost=0)
        return self._menu(f"查询链接已发送到您来电的手机{PAUSE}")

    def _menu(self, before: str = "") -> Reply:
        known = self.state.verified is not Verified.NO
        parts = [
            "重听请按一",
            "听签收和位置详情请按二" if known else "核对手机号后四位、听签收和位置详情请按二",
            "查询其他运单请按三",
            *(["把查询链接发到本机请按四"] if self._world.sms_offered() else []),
            "转人工请按零",
            "没有其他问题请挂机",
        ]
        return Reply(say=before + PAUSE.join(parts), digits_max=1)

    # Ends

    def _not_understood(self, again: Callable[[str], Reply]) -> Reply:
        return self._counted_lost() or again(f"没有听清您的选择{PAUSE}")

    def _counted_lost(self, *, silent: bool = False) -> Reply | None:
        """The end when this was once too often; who is silent after an answer has it and is let go."""
        self._set(lost=self.state.lost + 1)
        if self.state.lost < TRIES:
            return None
        return self._bye() if silent else self._person(Why.LOST)

    def _person(self, why: Why) -> Reply:
        self._set(step=Step.OVER, then=Then.PERSON, why=why)
        return self._ended()

    def _bye(self) -> Reply:
        self._set(step=Step.OVER, then=Then.HANG_UP)
        return self._ended()

    def _ended(self) -> Reply:
        said = _ENDINGS.get(self.state.why, _BYE)
        return Reply(say=said, then=self.state.then, digits_max=0, wait_s=0)

    def _note(self, asked: Asked) -> None:
        if asked not in self.state.asked:
            self._set(asked=(*self.state.asked, asked))

    def _set(self, **changed: Any) -> None:
        self.state = replace(self.state, **changed)


def understood(heard: Heard, step: Step) -> tuple[_Wish, str]:
    """(what the caller wants, digits). Keys go before words; a lone 0 is a person, wherever."""
    keys = re.sub(r"[^0-9*#]", "", heard.keys[:KEYS_MAX])
    if keys:
        after = keys.rpartition("*")[2].partition("#")[0]
        if after == "0":
            return _Wish.PERSON, ""
        return (_Wish.UNCLEAR, after) if after else (_Wish.AGAIN if "*" in keys else _Wish.NOTHING, "")
    speech = unicodedata.normalize("NFKC", heard.speech[:200]).strip()
    if not speech:
        return _Wish.NOTHING, ""
    for wish, words in _WORDS:
        if words.search(speech):
            return wish, ""
    digits = digits_heard(speech)
    if step in {Step.MENU, Step.CHOICE} and 1 < len(digits) < _LONG:
        digits = ""  # 一 in 一会儿 and the like is more likely than a key with two digits
    return _Wish.UNCLEAR, digits if digits != "0" else ""
