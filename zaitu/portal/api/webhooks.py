"""`/api/v1/webhooks`: a customer's system looks after its own endpoints and what was sent to them."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from django.http import HttpResponse
from ninja import Path, Query, Router, Status

from zaitu.kernel.principal import Principal
from zaitu.notify import public as notify
from zaitu.portal.api.auth import KeyRequest, scope
from zaitu.portal.api.schemas import (
    Deliveries,
    Delivery,
    NewWebhook,
    Webhook,
    WebhookSecret,
    WebhookWithSecret,
)

router: Final = Router(tags=["webhooks"])
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
MessageId = Annotated[str, Path(min_length=1, max_length=40)]
_SAFE: Final = "地址须为公网 https；消息按 Standard Webhooks 1.0 签名。"


def _shown(view: notify.EndpointView) -> dict[str, Any]:
    shown = asdict(view)
    del shown["customer_code"]
    return shown


def _delivery(view: notify.MessageView) -> dict[str, Any]:
    shown = asdict(view)
    names = (
        "id", "waybill", "kind", "kind_text", "state", "state_text", "note", "attempts", "at", "created_at", "next_at",
        "sent_at", "tries",
    )  # fmt: skip
    return {name: shown[name] for name in names}


def _owner(actor: Principal) -> str:
    return actor.customer_code or ""


@router.get("", response=list[Webhook], summary="推送地址列表", description="本客户的推送地址，最多 10 个。")
@scope("webhooks")
def webhooks(request: KeyRequest) -> list[dict[str, Any]]:
    return [_shown(one) for one in notify.endpoints_list(actor=request.auth)]


@router.post(
    "",
    response={201: WebhookWithSecret},
    summary="添加推送地址",
    description=f"{_SAFE}`secret`（`whsec_…`）用于验签，只在这次返回。",
)
@scope("webhooks")
def webhook_create(request: KeyRequest, response: HttpResponse, body: NewWebhook) -> Status[dict[str, Any]]:
    draft = notify.EndpointDraft(
        customer_code=_owner(request.auth), url=body.url, kinds=frozenset(body.kinds)
    )
    view, secret = notify.endpoint_put(actor=request.auth, draft=draft)
    response["Cache-Control"] = "no-store"
    return Status(201, {**_shown(view), "secret": secret})


@router.get("/{webhook_id}", response=Webhook, summary="查推送地址")
@scope("webhooks")
def webhook_get(request: KeyRequest, webhook_id: Id) -> dict[str, Any]:
    return _shown(notify.endpoint_get(actor=request.auth, endpoint_id=webhook_id))


@router.put(
    "/{webhook_id}",
    response=Webhook,
    summary="修改推送地址",
    description=f"{_SAFE}停用的会重新启用；密钥不变。",
)
@scope("webhooks")
def webhook_change(request: KeyRequest, webhook_id: Id, body: NewWebhook) -> dict[str, Any]:
    draft = notify.EndpointDraft(
        customer_code=_owner(request.auth), url=body.url, kinds=frozenset(body.kinds), id=webhook_id
    )
    view, _secret = notify.endpoint_put(actor=request.auth, draft=draft)
    return _shown(view)


@router.delete(
    "/{webhook_id}",
    response={204: None},
    summary="删除推送地址",
    description="还没有发出的消息不再发送。",
)
@scope("webhooks")
def webhook_delete(request: KeyRequest, webhook_id: Id) -> Status[None]:
    notify.endpoint_remove(actor=request.auth, endpoint_id=webhook_id)
    return Status(204, None)


@router.post(
    "/{webhook_id}/secret",
    response=WebhookSecret,
    summary="更换密钥",
    description="旧密钥立即失效；新密钥只在这次返回。",
)
@scope("webhooks")
def webhook_secret(request: KeyRequest, response: HttpResponse, webhook_id: Id) -> dict[str, str]:
    response["Cache-Control"] = "no-store"
    return {"secret": notify.endpoint_secret_renew(actor=request.auth, endpoint_id=webhook_id)}


@router.post(
    "/{webhook_id}/disable",
    response=Webhook,
    summary="停用推送地址",
    description="等待中的消息不再发送，停用期间的事件不补发。",
)
@scope("webhooks")
def webhook_disable(request: KeyRequest, webhook_id: Id) -> dict[str, Any]:
    return _shown(notify.endpoint_switch(actor=request.auth, endpoint_id=webhook_id, active=False))


@router.post("/{webhook_id}/enable", response=Webhook, summary="启用推送地址")
@scope("webhooks")
def webhook_enable(request: KeyRequest, webhook_id: Id) -> dict[str, Any]:
    return _shown(notify.endpoint_switch(actor=request.auth, endpoint_id=webhook_id, active=True))


@router.post(
    "/{webhook_id}/test",
    response={202: Delivery},
    summary="发送测试消息",
    description="排入一条 `endpoint.test`；结果见推送记录。上一条还在发送时返回 409。",
)
@scope("webhooks")
def webhook_test(request: KeyRequest, webhook_id: Id) -> Status[dict[str, Any]]:
    return Status(202, _delivery(notify.endpoint_test(actor=request.auth, endpoint_id=webhook_id)))


@router.get(
    "/{webhook_id}/deliveries",
    response=Deliveries,
    summary="推送记录",
    description="最近 7 天，最新在前，每页 50 条，含每次尝试和对方的应答。",
)
@scope("webhooks")
def webhook_deliveries(
    request: KeyRequest, webhook_id: Id, page: Annotated[int, Query(ge=1, le=100_000)] = 1
) -> dict[str, Any]:
    found = notify.deliveries_of(actor=request.auth, endpoint_id=webhook_id, page=page)
    return {"total": found.total, "page": found.page, "deliveries": [_delivery(one) for one in found.rows]}


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    response={202: Delivery},
    summary="重发一条消息",
    description="以原来的 `webhook-id` 再发一次；还在发送、地址已停用或内容已过保存期时返回 409。",
)
@scope("webhooks")
def webhook_redeliver(request: KeyRequest, webhook_id: Id, delivery_id: MessageId) -> Status[dict[str, Any]]:
    view = notify.redeliver(actor=request.auth, endpoint_id=webhook_id, message_id=delivery_id)
    return Status(202, _delivery(view))
