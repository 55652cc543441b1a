"""What can be wrong with a shipment: the overlay over its status, never a status itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Problem(StrEnum):
    REFUSED = "refused"
    ATTEMPT_FAILED = "attempt_failed"
    NO_CONTACT = "no_contact"
    BAD_ADDRESS = "bad_address"
    OUT_OF_AREA = "out_of_area"
    DAMAGED = "damaged"
    LOST = "lost"
    SHORT = "short"
    OVER = "over"
    OMITTED = "omitted"
    NOT_DEPARTED = "not_departed"
    MISROUTED = "misrouted"
    WRONG_GOODS = "wrong_goods"
    RECHECK_MISMATCH = "recheck_mismatch"
    DELAY_TRAFFIC = "delay_traffic"
    DELAY_VEHICLE = "delay_vehicle"
    DELAY_WEATHER = "delay_weather"
    DELAY_OTHER = "delay_other"
    HELD = "held"
    TEMPERATURE = "temperature"
    NO_UPDATE = "no_update"
    OTHER = "other"


class Party(StrEnum):
    """Who caused it (the grouping of Karrio's incident reasons); for staff only until verified."""

    CARRIER = "carrier"
    CONSIGNOR = "consignor"
    CONSIGNEE = "consignee"
    WEATHER = "weather"
    ROAD = "road"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    zh: str
    en: str
    level: int
    """1: damage and loss; 2: the rest (product.md C2)."""
    party: Party
    action_required: bool
    """The customer has to do or decide something."""
    plan: tuple[str, str]
    """What happens next, for the customer (Chinese, English)."""
    ends_with: frozenset[str] = frozenset()
    """Event kinds that show it is over without anybody saying so."""
    outlives_end: bool = False
    """It is about the goods, and stays on a signed shipment until solved."""


_RETRIED: Final = frozenset({"out_for_delivery", "ready_for_pickup", "signed", "returned"})
_MOVED: Final = frozenset(
    {"departed", "stop_left", "stop_entered", "arrived", "unloaded", "out_for_delivery"}
)
_REACHED: Final = frozenset(
    {"unloaded", "inspected", "out_for_delivery", "ready_for_pickup", "signed", "returned"}
)

PROBLEMS: Final[dict[Problem, ProblemKind]] = {
    Problem.REFUSED: ProblemKind(
        zh="收货人拒收",
        en="Refused by the consignee",
        level=2,
        party=Party.CONSIGNEE,
        action_required=True,
        plan=("客服将联系发货人确认再送或退回", "We will ask the sender whether to deliver again or return"),
        ends_with=frozenset({"returned", "signed"}),
    ),
    Problem.ATTEMPT_FAILED: ProblemKind(
        zh="派送未成功",
        en="Delivery attempt failed",
        level=2,
        party=Party.CONSIGNEE,
        action_required=True,
        plan=("将与收货人约定再次派送", "We will arrange another attempt with the consignee"),
        ends_with=_RETRIED,
    ),
    Problem.NO_CONTACT: ProblemKind(
        zh="联系不上收货人",
        en="Consignee cannot be reached",
        level=2,
        party=Party.CONSIGNEE,
        action_required=True,
        plan=("请确认收货电话，我们会再次联系", "Please check the phone number; we will call again"),
        ends_with=_RETRIED,
    ),
    Problem.BAD_ADDRESS: ProblemKind(
        zh="收货地址有误",
        en="Address is wrong",
        level=2,
        party=Party.CONSIGNOR,
        action_required=True,
        plan=("请提供正确的收货地址", "Please give us the right address"),
        ends_with=_RETRIED,
    ),
    Problem.OUT_OF_AREA: ProblemKind(
        zh="超出派送范围",
        en="Outside the delivery area",
        level=2,
        party=Party.CARRIER,
        action_required=True,
        plan=("将与您确认自提或转运", "We will agree on pick-up or forwarding with you"),
        ends_with=_RETRIED | {"handed_to_partner"},
    ),
    Problem.DAMAGED: ProblemKind(
        zh="货物破损",
        en="Damaged",
        level=1,
        party=Party.CARRIER,
        action_required=False,
        plan=("已安排专人核实，将尽快给出处理方案", "Being checked; a solution follows soon"),
        outlives_end=True,
    ),
    Problem.LOST: ProblemKind(
        zh="货物疑似遗失",
        en="Goods possibly lost",
        level=1,
        party=Party.CARRIER,
        action_required=False,
        plan=("已安排专人查找，将尽快给出处理方案", "Being searched for; a solution follows soon"),
        outlives_end=True,
    ),
    Problem.SHORT: ProblemKind(
        zh="件数短少",
        en="Pieces short",
        level=1,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在查找未到的货件", "Looking for the missing pieces"),
        outlives_end=True,
    ),
    Problem.OVER: ProblemKind(
        zh="件数多出",
        en="Pieces over",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在核对多出的货件", "Checking the extra pieces"),
    ),
    Problem.OMITTED: ProblemKind(
        zh="未随车发出",
        en="Left behind",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("将安排最近的车次补发", "It goes with the next truck"),
        ends_with=frozenset({"loaded", "departed", "stop_left"}),
    ),
    Problem.NOT_DEPARTED: ProblemKind(
        zh="车次未发车",
        en="The truck did not leave",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("将安排最近的车次发出", "It goes with the next departure"),
        ends_with=_MOVED | _REACHED | {"moving", "handed_to_partner"},
    ),
    Problem.MISROUTED: ProblemKind(
        zh="错发站点",
        en="Misrouted",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在转回正确线路", "On its way back to the right route"),
        ends_with=_REACHED - {"unloaded"},
    ),
    Problem.WRONG_GOODS: ProblemKind(
        zh="货物与订单不符",
        en="Not the goods ordered",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在与发货人核对", "Being checked with the sender"),
        outlives_end=True,
    ),
    Problem.RECHECK_MISMATCH: ProblemKind(
        zh="复核数量不符",
        en="Recheck does not match the order",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("核对无误后再装车", "Loaded once it matches"),
    ),
    Problem.DELAY_TRAFFIC: ProblemKind(
        zh="道路拥堵延误",
        en="Delayed by traffic",
        level=2,
        party=Party.ROAD,
        action_required=False,
        plan=("车辆正在绕行或等待通行", "Waiting or taking another road"),
        ends_with=_REACHED,
    ),
    Problem.DELAY_VEHICLE: ProblemKind(
        zh="车辆故障延误",
        en="Delayed by a vehicle fault",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在抢修或换车", "Being repaired or put on another truck"),
        ends_with=_REACHED,
    ),
    Problem.DELAY_WEATHER: ProblemKind(
        zh="天气原因延误",
        en="Delayed by weather",
        level=2,
        party=Party.WEATHER,
        action_required=False,
        plan=("待道路条件允许后继续", "It goes on when the road allows"),
        ends_with=_REACHED,
    ),
    Problem.DELAY_OTHER: ProblemKind(
        zh="运输延误",
        en="Delayed",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在加紧处理", "Being worked on"),
        ends_with=_REACHED,
    ),
    Problem.HELD: ProblemKind(
        zh="货物滞留",
        en="Held",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在安排继续运输", "Onward transport is being arranged"),
        ends_with=_MOVED | _RETRIED,
    ),
    Problem.TEMPERATURE: ProblemKind(
        zh="温度超出范围",
        en="Temperature out of band",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("已通知司机检查制冷设备", "The driver is checking the cooling"),
        outlives_end=True,
    ),
    Problem.NO_UPDATE: ProblemKind(
        zh="信息未及时更新",
        en="No update in time",
        level=2,
        party=Party.CARRIER,
        action_required=False,
        plan=("正在核实货物位置", "Finding out where the goods are"),
        ends_with=_MOVED | _REACHED,
    ),
    Problem.OTHER: ProblemKind(
        zh="运输异常",
        en="Something is wrong",
        level=2,
        party=Party.OTHER,
        action_required=False,
        plan=("客服正在处理", "Our service is working on it"),
        ends_with=frozenset({"signed", "returned"}),
    ),
}
"""Problem → its kind. Codes after reference/statuses.md's overlay table."""

UNDELIVERED: Final = frozenset(
    {
        Problem.REFUSED,
        Problem.ATTEMPT_FAILED,
        Problem.NO_CONTACT,
        Problem.BAD_ADDRESS,
        Problem.OUT_OF_AREA,
    }
)
"""The courier came and the goods were not taken: nobody knows when they will be until somebody decides."""

REPORTABLE: Final = (
    Problem.DAMAGED,
    Problem.SHORT,
    Problem.OVER,
    Problem.WRONG_GOODS,
    Problem.MISROUTED,
    Problem.LOST,
    Problem.NO_CONTACT,
    Problem.ATTEMPT_FAILED,
    Problem.BAD_ADDRESS,
    Problem.OUT_OF_AREA,
    Problem.DELAY_TRAFFIC,
    Problem.DELAY_VEHICLE,
    Problem.DELAY_WEATHER,
    Problem.DELAY_OTHER,
    Problem.HELD,
    Problem.TEMPERATURE,
    Problem.OTHER,
)
"""What a person in the field may report, in the order of the list on the phone."""
