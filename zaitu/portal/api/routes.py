"""The operations: read the request, ask one room, answer."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from django.conf import settings
from django.http import HttpResponse
from ninja import Path, Query, Router, Status

from zaitu.access.public import key_rate_per_min
from zaitu.journey import public as journey
from zaitu.kernel.errors import Invalid
from zaitu.network import public as network
from zaitu.portal.api.auth import KeyRequest, scope, token_of
from zaitu.portal.api.schemas import Events, KeyHealth, NewOrder, Order, Party
from zaitu.ui.labels import labels_pdf

router: Final = Router()
Waybill = Annotated[str, Path(min_length=1, max_length=40)]
IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 64, "pattern": "^[ -~]*$"},
}


def order_draft(body: NewOrder, client_ref: str = "") -> journey.OrderDraft:
    """`client_ref` for an order that has none of its own."""
    return journey.OrderDraft(
        product=body.product,
        from_station=body.from_station,
        to_station=body.to_station,
        consignor=party_draft(body.consignor),
        consignee=party_draft(body.consignee),
        pieces=body.pieces,
        weight_kg=body.weight_kg,
        volume_m3=body.volume_m3,
        goods=body.goods,
        cold_min_c=body.cold_min_c,
        cold_max_c=body.cold_max_c,
        remarks=body.remarks,
        client_ref=body.client_ref or client_ref,
        items=tuple((item.sku, item.name, item.quantity) for item in body.items),
    )


def order_view(made: journey.OrderView) -> dict[str, Any]:
    return {
        "waybill": made.waybill,
        "client_ref": made.client_ref,
        "status": made.status,
        "status_text": journey.STATUS_TEXTS[journey.Status(made.status)][0],
        "eta": made.eta,
        "eta_from": made.eta_from,
        "eta_to": made.eta_to,
        "pieces": list(made.pieces),
        "tracking_url": _tracking_url(made.waybill),
    }


def idempotency_key_of(request: KeyRequest) -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 64 or not key.isascii() or not key.isprintable():
        raise Invalid("Idempotency-Key 最多 64 个可见字符", fields={"Idempotency-Key": "最多 64 个可见字符"})
    return key


def _tracking_url(waybill: str) -> str:
    return f"{settings.ZAITU_PUBLIC_URL}/t/{waybill}"


def party_draft(party: Party) -> journey.PartyDraft:
    return journey.PartyDraft(**party.dict())


@router.post(
    "/orders",
    response={200: Order, 201: Order},
    summary="下单",
    description="建单并返回预计送达时间与件标签号。重复提交同一 `client_ref`（或 `Idempotency-Key`）返回原单，状态码 200。",
    tags=["orders"],
    openapi_extra={"parameters": [IDEMPOTENCY]},
)
@scope("orders")
def order_create(request: KeyRequest, body: NewOrder) -> Status[dict[str, Any]]:
    idempotency_key = idempotency_key_of(request)
    if body.client_ref and idempotency_key and body.client_ref != idempotency_key:
        raise Invalid(
            "client_ref 与 Idempotency-Key 不一致", fields={"client_ref": "与 Idempotency-Key 不一致"}
        )
    made = journey.order_create(actor=request.auth, draft=order_draft(body, idempotency_key))
    return Status(200 if made.existing else 201, order_view(made))


@router.get(
    "/orders/{waybill}",
    response=Order,
    summary="查订单",
    description="本客户的订单；其他单号一律 404。",
    tags=["orders"],
)
@scope("orders")
def order_get(request: KeyRequest, waybill: Waybill) -> dict[str, Any]:
    page = journey.shipment_page(actor=request.auth, waybill=waybill)
    return {
        "waybill": page.row.waybill,
        "client_ref": page.client_ref,
        "status": page.row.status,
        "status_text": page.row.status_text,
        "eta": page.row.eta,
        "eta_from": page.eta_from,
        "eta_to": page.eta_to,
        "pieces": [piece.label for piece in page.pieces],
        "tracking_url": _tracking_url(page.row.waybill),
    }


@router.get(
    "/shipments/{waybill}/events",
    response=Events,
    summary="事件明细",
    description="逐件逐次的全部事件，含来源与撤销。",
    tags=["events"],
)
@scope("events")
def events(request: KeyRequest, waybill: Waybill) -> dict[str, Any]:
    found = journey.events_of(actor=request.auth, waybill=waybill)
    return {"waybill": waybill, "events": [event_shown(event) for event in found]}


def event_shown(event: journey.EventView) -> dict[str, Any]:
    shown = asdict(event)
    return {
        key: shown[key]
        for key in ("id", "kind", "text", "at", "recorded_at", "place", "piece", "pieces", "source", "voided")
    }


@router.get(
    "/shipments/{waybill}/labels.pdf",
    summary="件标签 PDF",
    description="100×150 mm，一件一页，含 Code 128 与二维码；`first`、`last` 为件序号。",
    tags=["labels"],
)
@scope("labels")
def labels(
    request: KeyRequest,
    waybill: Waybill,
    first: Annotated[int, Query(ge=1, le=999)] = 1,
    last: Annotated[int, Query(ge=1, le=999)] = 999,
) -> HttpResponse:
    wanted = [
        label for label in journey.labels(actor=request.auth, waybill=waybill) if first <= label.piece <= last
    ]
    if not wanted:
        raise Invalid("没有这些件", fields={"first": "超出总件数"})
    pdf = labels_pdf(wanted, address=f"{settings.ZAITU_PUBLIC_URL}/t/", company=network.company().name)
    name = f"{wanted[0].waybill}.pdf"
    return HttpResponse(
        pdf, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


@router.get(
    "/key",
    response=KeyHealth,
    summary="检查密钥",
    description="密钥可用时返回它属于谁、能做什么。",
    tags=["key"],
)
def key_health(request: KeyRequest) -> dict[str, Any]:
    holder = request.auth
    return {
        "prefix": holder.name.removeprefix("key:"),
        "customer_code": holder.customer_code or "",
        "partner": holder.partner or "",
        "scopes": sorted(holder.scopes),
        "rate_per_min": key_rate_per_min(token_of(request)),
    }
