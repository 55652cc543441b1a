"""Telephone calls as readable scripts: `>` is the caller (keys; words after a `：`), `<` what is said, `…` anything between."""

import re
from dataclasses import dataclass, field

from zaitu.portal.ivr.session import Busy, Facts, Heard, IvrSession, Reply, State

FIRST, SECOND = "ZT0412883755124", "ZT3817460293559"
SECRET = "收货人姓王"


@dataclass
class Memory:
    """A `World` in memory: two shipments, the tail 5678."""

    company: str = "顺驰物流"
    own: tuple[str, ...] = ()
    """Shipments whose party the caller is."""
    sms: bool = False
    busy: bool = False
    tries: list[str] = field(default_factory=list)
    sent: list[tuple[str, bool]] = field(default_factory=list)

    def mine(self) -> tuple[str, ...]:
        return self.own

    def find(self, digits: str) -> str:
        if self.busy:
            raise Busy
        return next((one for one in (FIRST, SECOND) if one[2:] == digits), "")

    def facts(self, waybill: str) -> Facts:
        told = (f"运单尾号{waybill[-4:]}", "在途，已过武汉", "预计今天上午九点到十点之间送达")
        return Facts(waybill=waybill, route="从上海到成都", told=told, personal=(SECRET, "本人签收"))

    def is_party(self, waybill: str) -> bool:
        return waybill in self.own

    def tail_fits(self, waybill: str, tail: str) -> bool:
        if self.busy:
            raise Busy
        self.tries.append(tail)
        return tail == "5678"

    def sms_offered(self) -> bool:
        return self.sms

    def sms_send(self, waybill: str, *, verified: bool) -> None:
        self.sent.append((waybill, verified))


def heard(line: str) -> Heard:
    """`123#` keys, `：人工` words, nothing for silence."""
    keys, _colon, words = line.strip().partition("：")
    return Heard(keys=keys, speech=words)


def played(script: str, world: Memory | None = None) -> IvrSession:
    """The call, after everything that was to be said was said. The state is packed and unpacked at each turn."""
    world = world or Memory()
    session = IvrSession(world)
    reply = session.begin()
    for line in filter(None, (line.strip() for line in script.splitlines())):
        mark, text = line[0], line[1:].strip()
        if mark == "<":
            _was_said(reply, text)
        else:
            session = IvrSession(world, State.unpacked(session.state.packed()))
            reply = session.hear(heard(text))
    return session


def _was_said(reply: Reply, wanted: str) -> None:
    ending = {"【人工】": "person", "【挂机】": "hang_up"}
    for mark, then in ending.items():
        if wanted.endswith(mark):
            assert reply.then.value == then, reply
            wanted = wanted.removesuffix(mark)
    pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
    assert re.fullmatch(pattern, reply.say.replace("‖", " ")), f"\nsaid:   {reply.say}\nwanted: {wanted}"
