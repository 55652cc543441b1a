"""Many at once, and what may still change: orders in bulk, changes and cancellation, tracks in bulk, changes since a cursor, proofs.

They are operations of the same router: one path takes several methods, and that needs one view.
"""

import json
from typing import Annotated, Any, Final

from django.http import HttpResponse
from ninja import Path, Query
from pydantic import ValidationError

from zaitu.journey import public as journey
from zaitu.kernel.errors import Invalid, NotFound, ZaituError
from zaitu.portal.api.auth import Key, KeyRequest, scope
from zaitu.portal.api.routes import (
    IDEMPOTENCY,
    Waybill,
    event_shown,
    idempotency_key_of,
    order_draft,
    order_view,
    party_draft,
    router,
)
from zaitu.portal.api.schemas import (
    Cancellation,
    ChangeList,
    NewOrder,
    Order,
    OrderBatch,
    OrderEdit,
    OrderResults,
    Proofs,
    TrackBatch,
    TrackResults,
)
from zaitu.portal.api.words import wrong_in
from zaitu.ui import problems

__all__ = ["router"]
_BULK_BYTES: Final = 2 * 1024 * 1024
_ROW_KEY_MAX: Final = 58
"""Characters of an Idempotency-Key that rows are numbered under."""
_CURSOR: Final = r"^[0-9]{1,18}$"


@router.post(
    "/bulk/orders",
    auth=Key(_BULK_BYTES),
    response=OrderResults,
    summary="批量下单",
    description=(
        "一次 1–500 单、最多 2 MB，逐单返回结果：`created` 已建单，`existing` 以前提交过，`refused` 未建单（见 `code`、`fields`）。"
        "每单以 `client_ref` 防重；没有 `client_ref` 的单按请求头 `Idempotency-Key`（最多 58 个字符）加序号防重。整批可以原样重发。"
    ),
    tags=["orders"],
    openapi_extra={"parameters": [IDEMPOTENCY]},
)
@scope("orders")
def orders_bulk(request: KeyRequest, body: OrderBatch) -> dict[str, Any]:
    key = idempotency_key_of(request)
    if len(key) > _ROW_KEY_MAX:
        raise Invalid(fields={"Idempotency-Key": f"最多 {_ROW_KEY_MAX} 个字符"})
    results = [
        _placed(request, row, f"{key}#{place}" if key else "") for place, row in enumerate(body.orders, 1)
    ]
    counts = {
        name: sum(one["result"] == name for one in results) for name in ("created", "existing", "refused")
    }
    return {**counts, "results": results}


def _placed(request: KeyRequest, row: dict[str, object], ref: str) -> dict[str, Any]:
    """One order by itself: what is wrong with it does not touch the others."""
    said = str(row.get("client_ref") or ref)[:64]
    try:
        # From JSON: strict fields take there what JSON can say, as in a request of its own.
        order = NewOrder.model_validate_json(json.dumps(row))
        made = journey.order_create(actor=request.auth, draft=order_draft(order, ref))
    except (ValidationError, UnicodeEncodeError) as error:
        fields = (
            wrong_in(request, error.errors())
            if isinstance(error, ValidationError)
            else {"body": "内容不正确"}
        )
        return _refused(said, "invalid", "内容有误，见 fields", fields)
    except ZaituError as error:
        fields = error.fields if isinstance(error, Invalid) else {}
        return _refused(said, error.error_code, problems.said(error), fields)
    result = "existing" if made.existing else "created"
    return {
        "client_ref": made.client_ref, "result": result, "order": order_view(made),
        "code": "", "detail": "", "fields": {},
    }  # fmt: skip


def _refused(ref: str, code: str, detail: str, fields: dict[str, str]) -> dict[str, Any]:
    return {
        "client_ref": ref, "result": "refused", "order": None, "code": code, "detail": detail, "fields": fields
    }  # fmt: skip


@router.patch(
    "/orders/{waybill}",
    response=Order,
    summary="修改订单",
    description=(
        "揽收前可改收发货人、货物、重量、体积、备注和明细；没有写的不变。已揽收返回 409 `order_under_way`，已结束返回 409 `order_over`。"
        "件数、产品和站点不能改，请取消后重新下单。"
    ),
    tags=["orders"],
)
@scope("orders")
def order_edit(request: KeyRequest, waybill: Waybill, body: OrderEdit) -> dict[str, Any]:
    change = journey.OrderChange(
        consignor=party_draft(body.consignor) if body.consignor else None,
        consignee=party_draft(body.consignee) if body.consignee else None,
        weight_kg=body.weight_kg,
        volume_m3=body.volume_m3,
        goods=body.goods,
        remarks=body.remarks,
        items=None if body.items is None else tuple((one.sku, one.name, one.quantity) for one in body.items),
    )
    return order_view(journey.order_change(actor=request.auth, waybill=waybill, change=change))


@router.post(
    "/orders/{waybill}/cancel",
    response=Order,
    summary="取消订单",
    description="揽收前可以取消；重复取消返回同样的结果。已揽收返回 409 `order_under_way`。",
    tags=["orders"],
)
@scope("orders")
def order_cancel(request: KeyRequest, waybill: Waybill, body: Cancellation) -> dict[str, Any]:
    return order_view(journey.order_cancel(actor=request.auth, waybill=waybill, reason=body.reason))


@router.post(
    "/bulk/tracks",
    response=TrackResults,
    summary="批量查轨迹",
    description="一次 1–100 个本客户的运单号；不是您的单号结果为空。",
    tags=["track"],
)
@scope("track")
def tracks(request: KeyRequest, body: TrackBatch) -> dict[str, Any]:
    return {"results": [{"number": number, "track": _track(request, number)} for number in body.numbers]}


def _track(request: KeyRequest, number: str) -> dict[str, Any] | None:
    try:
        waybill = journey.track(actor=request.auth, waybill=number).waybill
    except NotFound:
        return None
    page = journey.track_page(waybill)
    return (
        None
        if page is None
        else json.loads(journey.track_answer(journey.track_encoded(page.document, lang="zh"), None))
    )


@router.get(
    "/changes",
    response=ChangeList,
    summary="增量事件",
    description=(
        "本客户全部运单自 `cursor` 以来登记的事件，按登记顺序；不会遗漏晚提交的事件，同一事件不会出现两次。"
        "首次不带 `cursor` 从最早开始。被撤销的事件随后以 `voided` 出现。"
    ),
    tags=["events"],
)
@scope("events")
def changes(
    request: KeyRequest,
    cursor: Annotated[str, Query(pattern=_CURSOR)] = "0",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    found = journey.events_since(actor=request.auth, cursor=int(cursor), limit=limit)
    return {
        "cursor": str(found.cursor),
        "more": found.more,
        "changes": [
            {"waybill": one.waybill, "takes_back": one.takes_back, **event_shown(one.event)}
            for one in found.rows
        ],
    }


@router.get(
    "/shipments/{waybill}/proofs",
    response=Proofs,
    summary="签收凭证",
    description="每次签收的签收人、件数，以及签名和照片的文件地址（用同一密钥读取）。",
    tags=["events"],
)
@scope("events")
def proofs(request: KeyRequest, waybill: Waybill) -> dict[str, Any]:
    page = journey.shipment_page(actor=request.auth, waybill=waybill)
    root = f"/api/v1/shipments/{page.row.waybill}/files"
    return {
        "waybill": page.row.waybill,
        "proofs": [
            {
                "at": one.at,
                "signer": one.signer,
                "relation": one.relation,
                "relation_text": one.relation_text,
                "pieces": one.pieces,
                "signature": f"{root}/{one.signature}" if one.signature else "",
                "photos": [f"{root}/{photo}" for photo in one.photos],
                "remarks": one.remarks,
            }
            for one in page.proofs
        ],
    }


@router.get(
    "/shipments/{waybill}/files/{file_id}",
    summary="凭证文件",
    description="签名或照片本身；地址取自签收凭证。",
    tags=["events"],
    openapi_extra={
        "x-answers": {"200": {"description": "OK", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}}
    },
)  # fmt: skip
@scope("events")
def proof_file(
    request: KeyRequest, waybill: Waybill, file_id: Annotated[str, Path(min_length=1, max_length=40)]
) -> HttpResponse:
    page = journey.shipment_page(actor=request.auth, waybill=waybill)
    named = {file for one in page.proofs for file in (one.signature, *one.photos) if file}
    if file_id not in named:
        raise NotFound("没有这个文件")
    content, mime = journey.file_read(actor=request.auth, file_id=file_id)
    return HttpResponse(
        content,
        content_type=mime,
        headers={"Cache-Control": "private, no-store", "Content-Disposition": "inline"},
    )
