"""`/api/v1/partner/events`: a partner carrier tells what happened to shipments that were forwarded to it."""

from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from ninja import Router

from zaitu.journey import public as journey
from zaitu.portal.api.auth import KeyRequest, scope
from zaitu.portal.api.schemas import PartnerBatch, PartnerEvent, PartnerResults

router: Final = Router(tags=["partner"])


@router.post(
    "/events",
    response=PartnerResults,
    summary="上报事件（合作方）",
    description=(
        "合作方的密钥（`partner_events`）上报转给自己的运单的事件，一次 1–500 条，逐条返回结果："
        "`accepted` 已登记，`duplicate` 以前报过，`refused` 未登记（见 `code` 与 `reason`）。"
        "没有转给贵方的单号与不存在的单号回答相同。整批可以原样重发。"
    ),
)
@scope("partner_events")
def partner_events(request: KeyRequest, body: PartnerBatch) -> dict[str, Any]:
    events = [_event(one) for one in body.events]
    report = journey.partner_events(actor=request.auth, partner=request.auth.partner or "", events=events)
    results = [_result(one, row) for one, row in zip(body.events, report.rows, strict=True)]
    return {
        "accepted": report.recorded,
        "duplicate": report.repeated,
        "refused": len(results) - report.recorded - report.repeated,
        "results": results,
    }


def _event(told: PartnerEvent) -> journey.PartnerEvent:
    return journey.PartnerEvent(
        waybill=told.number,
        code=told.code,
        text=told.text,
        at=_instant(told.at),
        station_code=told.station,
        dialect=told.codes,
        key=told.id,
        place=told.place,
    )


def _instant(text: str) -> datetime | None:
    """One row's bad time refuses that row, not the batch: the room says what is wrong with it."""
    with suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text.strip())
    return None


def _result(told: PartnerEvent, row: journey.PartnerRow) -> dict[str, str]:
    return {
        "id": told.id,
        "number": told.number,
        "result": row.taken.value,
        "code": row.refusal.value if row.refusal else "",
        "reason": journey.REFUSAL_TEXTS[row.refusal] if row.refusal else "",
    }
