"""What the API takes and gives. Instants are ISO 8601 with their offset; weights in kg, volumes in m³, temperatures in °C."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from zaitu.journey.public import PARTNER_CODES
from zaitu.kernel import clock

#: No control characters: they are never meant, and PostgreSQL takes no NUL.
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
Code = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_PLAIN)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]
Ref = Annotated[str, StringConstraints(max_length=64, pattern=_PLAIN)]

Instant = Annotated[datetime, AfterValidator(clock.local)]
"""Told in +08:00 everywhere."""


class _Input(Schema):
    # Strict: `true` and "3" are no numbers of pieces.
    model_config = ConfigDict(extra="forbid", strict=True)


class Party(_Input):
    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=_PLAIN)]
    phone: Annotated[str, StringConstraints(min_length=5, max_length=30, pattern=_PLAIN)] = Field(
        description="11 位手机号，或带区号的座机", examples=["13812345678"]
    )
    city: Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_PLAIN)]
    address: Line
    email: Annotated[str, StringConstraints(max_length=120, pattern=_PLAIN)] = ""


class Item(_Input):
    sku: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PLAIN)]
    name: Line
    quantity: int = Field(ge=1, le=100_000)


class NewOrder(_Input):
    client_ref: Ref = Field(
        default="", description="贵方单号：同一单号重复提交只建一单。也可用请求头 Idempotency-Key 代替。"
    )
    product: Code = Field(description="服务产品编码")
    from_station: Code = Field(description="始发站编码")
    to_station: Code = Field(description="目的站编码")
    consignor: Party
    consignee: Party
    pieces: int = Field(ge=1, le=999)
    weight_kg: float = Field(gt=0, le=100_000, allow_inf_nan=False)
    volume_m3: float = Field(ge=0, le=1_000, allow_inf_nan=False)
    goods: Line
    cold_min_c: float | None = Field(default=None, ge=-80, le=60, allow_inf_nan=False)
    cold_max_c: float | None = Field(default=None, ge=-80, le=60, allow_inf_nan=False)
    remarks: Annotated[str, StringConstraints(max_length=500, pattern=_PLAIN)] = ""
    items: list[Item] = Field(default=[], max_length=200, description="复核明细")


class OrderEdit(_Input):
    """What is left out stays as it is."""

    consignor: Party | None = None
    consignee: Party | None = None
    weight_kg: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)
    volume_m3: float | None = Field(default=None, ge=0, le=1_000, allow_inf_nan=False)
    goods: Line | None = None
    remarks: Annotated[str, StringConstraints(max_length=500, pattern=_PLAIN)] | None = None
    items: list[Item] | None = Field(default=None, max_length=200)


class Cancellation(_Input):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]


class OrderBatch(_Input):
    orders: list[dict[str, object]] = Field(
        min_length=1, max_length=500, description="每项与单个下单的内容相同；逐项校验，互不影响"
    )


class Order(Schema):
    waybill: str
    client_ref: str
    status: str
    status_text: str
    eta: Instant | None
    eta_from: Instant | None
    eta_to: Instant | None
    pieces: list[str] = Field(description="件标签号")
    tracking_url: str


class Event(Schema):
    id: int
    kind: str
    text: str
    at: Instant = Field(description="发生时间")
    recorded_at: Instant = Field(description="录入时间")
    place: str
    piece: str
    pieces: int | None
    source: str
    voided: bool = Field(description="已撤销")


class OrderResult(Schema):
    client_ref: str
    result: str = Field(description="created、existing、refused")
    order: Order | None
    code: str = Field(description="拒绝原因的稳定编码；接受时为空")
    detail: str
    fields: dict[str, str] = Field(description="字段 → 原因")


class OrderResults(Schema):
    created: int
    existing: int
    refused: int
    results: list[OrderResult] = Field(description="与请求同序，逐条对应")


class TrackBatch(_Input):
    numbers: list[Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_PLAIN)]] = Field(
        min_length=1, max_length=100
    )


class ChangedEvent(Event):
    waybill: str
    takes_back: int | None = Field(description="kind 为 voided 时：被撤销事件的 id")


class ChangeList(Schema):
    cursor: str = Field(description="下次从这里继续；没有新事件时不变")
    more: bool = Field(description="还有更多，可立即再取")
    changes: list[ChangedEvent] = Field(description="按登记顺序，最早在前")


class Proof(Schema):
    at: Instant
    signer: str
    relation: str
    relation_text: str
    pieces: int
    signature: str = Field(description="文件地址；没有时为空")
    photos: list[str] = Field(description="文件地址")
    remarks: str


class Proofs(Schema):
    waybill: str
    proofs: list[Proof]


class Events(Schema):
    waybill: str
    events: list[Event] = Field(description="最新在前")


class KeyHealth(Schema):
    prefix: str
    customer_code: str = Field(description="合作方的密钥为空")
    partner: str = Field(description="合作方的密钥：转单时登记的合作方名称")
    scopes: list[str]
    rate_per_min: int = Field(description="每分钟最多请求次数")


class PartnerEvent(_Input):
    id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PLAIN)] = Field(
        description="贵方的事件编号：同一运单的同一 id 只记一次"
    )
    number: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_PLAIN)] = Field(
        description="我方运单号，或转单时登记的贵方单号"
    )
    code: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=_PLAIN)] = Field(
        description="状态代码；代码表见 codes"
    )
    codes: Literal["zaitu", "kuaidi100", "aftership", "17track"] = Field(
        default="zaitu",
        description=f"代码表。zaitu：{'、'.join(PARTNER_CODES['zaitu'])}。其他表中没有的代码按运输中登记。",
    )
    at: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_PLAIN)] = Field(
        description="发生时间，ISO 8601 带时区；30 天内", examples=["2026-11-22T15:20:00+08:00"]
    )
    station: Annotated[str, StringConstraints(max_length=20, pattern=_PLAIN)] = Field(
        default="", description="我方站点编码；在别处时请写 place"
    )
    place: Annotated[str, StringConstraints(max_length=60, pattern=_PLAIN)] = Field(
        default="", description="地点，如“成都武侯营业部”；客户看不到"
    )
    text: Annotated[str, StringConstraints(max_length=300, pattern=_PLAIN)] = Field(
        default="", description="原文；客户看不到，手机号会隐去"
    )


class PartnerBatch(_Input):
    events: list[PartnerEvent] = Field(min_length=1, max_length=500)


class PartnerResult(Schema):
    id: str
    number: str
    result: str = Field(description="accepted、duplicate、refused")
    code: str = Field(description="拒绝原因的稳定编码；接受时为空")
    reason: str


class PartnerResults(Schema):
    accepted: int
    duplicate: int
    refused: int
    results: list[PartnerResult] = Field(description="与请求同序，逐条对应")


class NewWebhook(_Input):
    url: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PLAIN)] = Field(
        description="公网 https 地址", examples=["https://erp.example.cn/zaitu"]
    )
    kinds: list[Literal["accepted", "departed", "stop", "soon", "signed", "exception", "correction"]] = Field(
        default=[], max_length=5, description="要接收的通知；空为全部"
    )


class Webhook(Schema):
    id: int
    url: str
    kinds: list[str] = Field(description="空为全部")
    active: bool
    note: str = Field(description="停用的原因")
    paused_until: Instant | None = Field(description="对方暂时不通，到此时继续推送")
    created_at: Instant
    last_ok_at: Instant | None = Field(description="最近一次成功")


class WebhookSecret(Schema):
    secret: str = Field(description="验签密钥 `whsec_…`，只显示这一次")


class WebhookWithSecret(Webhook, WebhookSecret):
    pass


class Try(Schema):
    at: Instant
    took_ms: int
    code: int = Field(description="HTTP 状态码；0 为没有应答")
    answer: str


class Delivery(Schema):
    id: str
    waybill: str = Field(description="测试消息为空")
    kind: str
    kind_text: str
    state: str = Field(description="queued、sending、sent、failed、given_up")
    state_text: str
    note: str
    attempts: int
    at: Instant = Field(description="事件发生时间")
    created_at: Instant
    next_at: Instant | None = Field(description="下一次尝试")
    sent_at: Instant | None
    tries: list[Try]


class Deliveries(Schema):
    total: int
    page: int
    deliveries: list[Delivery]


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str = Field(description="稳定的错误编码")
    detail: str
    fields: dict[str, str] | None = Field(default=None, description="字段 → 原因")
    retry_after_s: int | None = None


class Position(Schema):
    lat: float
    lon: float
    precision_m: int = Field(description="真实位置在此范围内（米）")
    at: Instant


class Node(Schema):
    at: Instant
    status: str
    detail: str
    place: str | None
    text: str
    by_partner: bool = Field(description="由承运的合作方上报")


class ExceptionInfo(Schema):
    code: str
    level: int
    text: str
    plan: str
    action_required: bool
    eta_delta_min: int | None
    since: Instant | None


class Track(Schema):
    """`details` only for the parties and the owning customer."""

    waybill: str
    status: str
    status_text: str
    detail: str
    eta: Instant | None
    eta_from: Instant | None
    eta_to: Instant | None
    position: Position | None
    nodes: list[Node] = Field(description="最新在前")
    exception: ExceptionInfo | None
    details: dict[str, object] | None = None


class TrackResult(Schema):
    number: str
    track: Track | None = Field(
        description="不是您的运单时为空；position 是货物停放处，在途的实时位置请单独查询"
    )


class TrackResults(Schema):
    results: list[TrackResult] = Field(description="与请求同序，逐条对应")
