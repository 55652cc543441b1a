"""What to say to the person with the scanner: rules over what is known of the piece, first match wins.

WRONG means nothing was recorded, and the message says what to do with the goods; WARN was recorded and somebody should look.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from zaitu.journey.domain.actions import TEXTS, Kind
from zaitu.journey.domain.statuses import STATUS_TEXTS, Detail, Status
from zaitu.journey.domain.views import Counts, Level

BESIDE: Final[Mapping[Kind, str]] = {Kind.PROBLEM: ":misrouted", Kind.PROBLEM_SOLVED: ":solved"}
"""What a scan may tell besides itself, and how the scan's key goes on then."""
UNKNOWN_CODE: Final = "没有这个运单或标签，请核对条码；标签损坏请补打"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFacts:
    trip: str
    plate: str
    from_station: str
    from_name: str
    to_station: str
    to_name: str
    underway: bool
    """It is on that truck, or has been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFacts:
    kind: Kind
    status: Status
    detail: Detail
    final: bool
    """The shipment is finished, and this happened afterwards; what happened before and comes late is history."""
    station: str
    origin: str
    origin_name: str
    destination: str
    destination_name: str
    problems: frozenset[str] = frozenset()
    """Codes of open overlays."""
    repeated: bool = False
    """This piece was scanned so, here, before."""
    trip: str = ""
    """The trip named with the scan, or the only one it can mean."""
    trip_plate: str = ""
    trip_known: bool = True
    trip_over: bool = False
    trip_left: bool = False
    """It has left this station."""
    trip_reaches: bool = False
    """It stops here and later where the goods must go."""
    leg: LegFacts | None = None
    """The ride on that trip."""
    other: LegFacts | None = None
    """A planned ride on another trip."""
    on_route: bool = True
    """The station is the origin, the destination or a stop of a ride."""
    loaded_here: bool = True
    """The piece was scanned onto the truck, or its truck was loaded without scanning."""


@dataclass(frozen=True, slots=True)
class Verdict:
    level: Level
    message: str = ""
    adopt: bool = False
    """Put it on the trip, on which it was not planned."""
    misrouted: bool = False
    """Record that it is where it should not be."""


Rule = Callable[[ScanFacts], Verdict | None]


def judge(facts: ScanFacts) -> Verdict:
    for rule in (*_ALWAYS, *_RULES.get(facts.kind, ())):
        verdict = rule(facts)
        if verdict is not None:
            return verdict
    return Verdict(Level.OK)


def _finished(facts: ScanFacts) -> Verdict | None:
    if not facts.final or facts.kind is Kind.PROBLEM:
        return None
    return Verdict(
        Level.WRONG,
        f"该运单{STATUS_TEXTS[facts.status][0]}，不能再{_words(facts)}；如有误，请联系调度更正",
    )


def _trip_missing(facts: ScanFacts) -> Verdict | None:
    if not facts.trip_known:
        return Verdict(Level.WRONG, f"没有车次 {facts.trip}，请重新选择车次")
    if not facts.trip:
        return Verdict(Level.WRONG, "请先选择车次再装车")
    if facts.trip_over:
        return Verdict(Level.WRONG, f"车次 {facts.trip} 已结束，请重新选择车次")
    return None


def _recheck_blocks(facts: ScanFacts) -> Verdict | None:
    if "recheck_mismatch" not in facts.problems:
        return None
    return Verdict(Level.WRONG, f"复核数量不符，禁止{_words(facts)}；请补齐后重新复核")


def _other_truck(facts: ScanFacts) -> Verdict | None:
    if facts.leg is not None or facts.other is None:
        return None
    return Verdict(
        Level.WRONG,
        f"装错车：此件应装 {facts.other.plate}（{facts.other.trip}），请勿装上本车",
    )


def _wrong_dock(facts: ScanFacts) -> Verdict | None:
    if facts.leg is None or facts.leg.underway or facts.leg.from_station == facts.station:
        return None
    return Verdict(Level.WRONG, f"此件应在 {facts.leg.from_name} 装车，请放回并联系调度")


def _not_planned(facts: ScanFacts) -> Verdict | None:
    if facts.leg is not None:
        return None
    if facts.trip_reaches and not facts.trip_left:
        return Verdict(Level.WARN, "此件未配载，已补配到本车", adopt=True)
    return Verdict(Level.WRONG, f"本车不到 {facts.destination_name}，请放回并联系调度")


def _already_left(facts: ScanFacts) -> Verdict | None:
    if not facts.trip_left:
        return None
    return Verdict(Level.WARN, "本车已发车，已补录装车")


def _wrong_exit(facts: ScanFacts) -> Verdict | None:
    if facts.leg is None or facts.station == facts.leg.to_station:
        return None
    return Verdict(Level.WRONG, f"此件应在 {facts.leg.to_name} 卸车，请装回本车")


def _not_of_truck(facts: ScanFacts) -> Verdict | None:
    if facts.leg is not None:
        return None
    return Verdict(
        Level.WARN,
        "此件不在本车清单，已登记为多货；请单独存放并联系调度",
        misrouted=not facts.on_route,
    )


def _never_loaded(facts: ScanFacts) -> Verdict | None:
    if facts.loaded_here:
        return None
    return Verdict(Level.WARN, "此件装车时未扫描，已收；请核对装车清单")


def _not_from_here(facts: ScanFacts) -> Verdict | None:
    if facts.station == facts.origin:
        return None
    return Verdict(Level.WARN, f"此件始发站是 {facts.origin_name}，已收；请核对是否揽错")


def _off_route(facts: ScanFacts) -> Verdict | None:
    if facts.on_route:
        return None
    return Verdict(Level.WARN, "此件不经过本站，已登记为错发；请单独存放并联系调度", misrouted=True)


def _foreign(facts: ScanFacts) -> Verdict | None:
    """What is said of goods, not done with them in hand, is not believed of a place they do not pass."""
    if facts.on_route:
        return None
    return Verdict(
        Level.WRONG, f"此件不经过本站，不能在这里{_words(facts)}；货在这里请扫入库登记错发，并联系调度"
    )


def _unseen(facts: ScanFacts) -> Verdict | None:
    if facts.status is not Status.ORDERED:
        return None
    return Verdict(
        Level.WRONG,
        f"系统里没有揽收或入库记录，不能{_words(facts)}；请先扫描揽收或入库，漏扫的请联系调度补录",
    )


def _unseen_elsewhere(facts: ScanFacts) -> Verdict | None:
    return None if facts.station == facts.origin else _unseen(facts)


def _unseen_here(facts: ScanFacts) -> Verdict | None:
    """A station that scans nothing in is believed to have loaded the plan."""
    if facts.status is not Status.ORDERED:
        return None
    return Verdict(Level.WARN, f"系统里没有揽收或入库记录，已登记{_words(facts)}；请核对运单号")


def _still_at_origin(facts: ScanFacts) -> bool:
    return facts.station != facts.origin and facts.status in (Status.ORDERED, Status.AWAITING_DEPARTURE)


def _no_departure(facts: ScanFacts) -> Verdict | None:
    if not _still_at_origin(facts):
        return None
    return Verdict(
        Level.WARN, f"系统里没有从 {facts.origin_name} 发车的记录，已登记{_words(facts)}；请核对运单号"
    )


def _not_here(facts: ScanFacts) -> Verdict | None:
    """A recheck opens the way onto a truck: it counts only where the goods are."""
    if not _still_at_origin(facts):
        return None
    return Verdict(
        Level.WRONG,
        f"此件还在 {facts.origin_name}，不能在这里{_words(facts)}；货在这里请先扫入库，并联系调度",
    )


def _not_for_here(facts: ScanFacts) -> Verdict | None:
    if facts.station == facts.destination:
        return None
    return Verdict(Level.WARN, f"此件目的站是 {facts.destination_name}，请确认是否送错")


_CAME: Final = frozenset(
    {
        Status.ARRIVED,
        Status.ARRIVING_SOON,
        Status.READY_FOR_PICKUP,
        Status.SIGNED,
    }
)
_AWAY: Final = frozenset({Detail.OUT_FOR_DELIVERY, Detail.HANDED_TO_PARTNER, Detail.RETURNING})
"""On a way that leads past no station of ours."""


def _no_arrival(facts: ScanFacts) -> Verdict | None:
    if facts.status in _CAME or facts.detail in _AWAY:
        return None
    return Verdict(Level.WARN, f"系统里还没有到达记录，已登记{_words(facts)}；请确认没有送错")


def _words(facts: ScanFacts) -> str:
    return TEXTS[facts.kind][0]


_ALWAYS: Final[tuple[Rule, ...]] = (_finished,)
_RULES: Final[dict[Kind, tuple[Rule, ...]]] = {
    Kind.COLLECTED: (_not_from_here,),
    Kind.INBOUND: (_off_route, _no_departure),
    Kind.SORTED: (_off_route, _no_departure),
    Kind.RECHECKED: (_foreign, _not_here),
    Kind.LOADED: (
        _trip_missing,
        _recheck_blocks,
        _other_truck,
        _wrong_dock,
        _not_planned,
        _already_left,
        _no_departure,
    ),
    Kind.UNLOADED: (_wrong_exit, _not_of_truck, _never_loaded, _no_departure),
    Kind.INSPECTED: (_off_route, _no_departure),
    Kind.DEPARTED: (_foreign, _unseen_elsewhere, _recheck_blocks, _unseen_here, _no_departure),
    Kind.ARRIVED: (_unseen, _foreign, _no_departure),
    Kind.HANDED_TO_PARTNER: (_unseen,),
    Kind.OUT_FOR_DELIVERY: (_unseen, _foreign, _not_for_here, _no_arrival),
    Kind.READY_FOR_PICKUP: (_unseen, _foreign, _not_for_here, _no_arrival),
    Kind.SIGNED: (_unseen, _no_arrival, _not_for_here),
    Kind.REFUSED: (_unseen, _no_arrival, _not_for_here),
    Kind.ATTEMPT_FAILED: (_unseen, _no_arrival, _not_for_here),
    Kind.RETURNING: (_unseen,),
    Kind.RETURNED: (_unseen,),
}
"""Kind → what may be wrong with it, in this order. Pick-up failed and problems are told of any goods at any place."""


def judge_place(station: str, own: Mapping[str, str] | None) -> Verdict:
    """Whether this person may scan at this station. `own`: code → name of the stations they work at; None: they work anywhere."""
    if own is None or station in own:
        return Verdict(Level.OK)
    if own:
        return Verdict(
            Level.WRONG,
            f"您的账号属于 {'、'.join(own.values())}，不能在其他站点扫描；调站请联系管理员",
        )
    return Verdict(Level.WARN, "您的账号没有设定站点，已登记；请联系管理员设定")


def progress_message(kind: Kind, counts: Counts | None) -> str:
    """`装车 12/30 件，还差 18 件`."""
    done = f"已{TEXTS[kind][0]}"
    if counts is None or counts.expected <= 1:
        return done
    words = f"{TEXTS[kind][0]} {counts.scanned}/{counts.expected} 件"
    if counts.over:
        return f"{words}，多出 {counts.over} 件，请核对"
    if counts.short:
        return f"{words}，还差 {counts.short} 件"
    return f"{words}，齐了"
