"""What customers of the demo company have asked and what they thought of it, on shipments of its past week."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from zaitu.config.demo.setup import ACTOR
from zaitu.desk import public as desk
from zaitu.desk.public import Change, Kind, PastRating, PastTalk, Turn, What
from zaitu.journey import public as journey
from zaitu.kernel.clock import local

_SERVICE: Final = "kefu"

Script = tuple[Kind, tuple[tuple[int, What, str], ...]]
"""Kind, and (minutes, what, text) of each turn."""

ON_THE_ROAD: Final[tuple[Script, ...]] = (
    (Kind.QUESTION, ((12, What.SAID, "师傅几点能到？我下午四点要去接孩子，三点前能送到吗？"),)),
    (Kind.REQUEST, ((44, What.SAID, "明天要开会，收货的人不在"),)),
    (
        Kind.QUESTION,
        (
            (190, What.SAID, "货里有两箱是玻璃灯罩，麻烦卸车的时候轻一点"),
            (171, What.ANSWERED, "已经备注给到达站：玻璃制品，人工卸车、不压货。到站后我们会拍照给您看。"),
            (160, What.SAID, "好的，谢谢"),
            (155, What.ANSWERED, "不客气，到站后马上告诉您。"),
        ),
    ),
    (
        Kind.QUESTION,
        (
            (320, What.SAID, "到了以后是送到楼上吗？我们在五楼，没有电梯"),
            (295, What.NOTED, "问过派送：五楼无电梯，要两个人，上楼费 60 元"),
            (
                290,
                What.ANSWERED,
                "可以送上五楼。没有电梯的话上楼费 60 元，送到后付给师傅，需要的话回复“要上楼”。",
            ),
        ),
    ),
    (
        Kind.COMPLAINT,
        (
            (95, What.SAID, "说好昨天到的，到现在还在路上，一个电话都没有。我们生产线等着用！"),
            (
                70,
                What.ANSWERED,
                "非常抱歉让您等了。车在途中遇到封路，绕行后预计今天 18:00 前到站，到站后第一个给您送。",
            ),
            (25, What.SAID, "那能不能先送急用的两箱？"),
        ),
    ),
)
"""Minutes ago."""
SIGNED: Final[tuple[Script, ...]] = (
    (
        Kind.COMPLAINT,
        (
            (35, What.SAID, "外箱压扁了一个角，里面有一件有划痕，签收时已经给师傅看过"),
            (52, What.ANSWERED, "收到，很抱歉。请保留外包装，我们马上派人上门查看，两小时内给您处理办法。"),
            (140, What.NOTED, "网点上门确认：一件划伤，客户同意换新"),
            (148, What.ANSWERED, "已确认一件划伤，由我们承担更换，新的明天发出，运费全免。"),
            (171, What.SAID, "可以，处理得挺快"),
            (180, What.ANSWERED, "谢谢您的理解，新的运单号出来后马上发给您。"),
            (185, What.CLOSED, ""),
        ),
    ),
    (
        Kind.QUESTION,
        (
            (90, What.SAID, "签收回单什么时候能寄回来？财务要对账"),
            (118, What.ANSWERED, "回单今晚随返程车带回始发站，到后马上寄出，预计三天内到您财务。"),
            (130, What.CLOSED, ""),
        ),
    ),
)
"""Minutes after signing."""
RATINGS: Final = (
    (5, ("on_time", "told", "intact"), "每到一站都有短信，比自己打电话问省心多了"),
    (5, ("kind", "careful"), "师傅帮忙搬到仓库里面，摆得整整齐齐"),
    (4, ("on_time", "intact"), ""),
    (5, ("told",), ""),
    (3, ("untold",), "送货前最好提前一小时打个电话"),
    (4, ("intact",), "包装完好，就是等了一会儿"),
    (2, ("late", "untold"), "晚了大半天，没人提前说"),
)


def talks_make(now: datetime) -> None:
    """On the shipments that came last; the same at every load of the same instant."""
    road = [(row.waybill, script) for row, script in zip(_rows("in_transit", now), ON_THE_ROAD, strict=False)]
    told_by = max(ago for _, turns in SIGNED for ago, _, _ in turns)
    signed = _rows("signed", now - timedelta(minutes=told_by))
    talks = [_talk(waybill, script, now, sign=-1) for waybill, script in road]
    talks += [
        _talk(row.waybill, script, row.status_at, sign=1) for row, script in zip(signed, SIGNED, strict=False)
    ]
    ratings = [
        PastRating(
            waybill=row.waybill,
            role="consignee",
            stars=stars,
            reasons=reasons,
            text=text,
            at=row.status_at + timedelta(minutes=40),
        )
        for row, (stars, reasons, text) in zip(signed[len(SIGNED) :], RATINGS, strict=False)
    ]
    desk.history_import(actor=ACTOR, talks=talks, ratings=ratings)


def _rows(status: str, before: datetime) -> Sequence[journey.ShipmentRow]:
    query = journey.ShipmentQuery(status=status, sort="-status_at")
    found = journey.shipments_search(actor=ACTOR, query=query, size=200)
    return [row for row in found.rows if row.status_at <= before]


def _talk(waybill: str, script: Script, at: datetime, *, sign: int) -> PastTalk:
    kind, turns = script
    tomorrow = (local(at) + timedelta(days=1)).date().isoformat()
    asked = kind is Kind.REQUEST
    return PastTalk(
        waybill=waybill,
        role="consignee",
        kind=kind,
        change=Change.TIME if asked else None,
        fields={"day": tomorrow, "slot": "afternoon"} if asked else {},
        turns=tuple(
            Turn(
                what=what,
                at=at + sign * timedelta(minutes=minutes),
                author="" if what is What.SAID else _SERVICE,
                text=text,
            )
            for minutes, what, text in turns
        ),
    )
