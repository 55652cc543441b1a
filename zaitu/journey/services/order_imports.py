"""Orders from a file: good rows become orders, bad rows are told; the same file again makes nothing twice."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from zaitu.access import public as access
from zaitu.journey.domain.order_file import columns_of, cut, errors_of, order_of, template
from zaitu.journey.domain.views import OrderDraft, OrdersImported, OrderView, RowError
from zaitu.journey.services.orders import order_create
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, TooLarge, ZaituError
from zaitu.kernel.principal import Principal, system
from zaitu.kernel.sheets import rows_read
from zaitu.network import public as network

ROWS_MAX: Final = 2_000
ERRORS_TOLD: Final = 200
_INSIDE: Final = system("journey.orders")


@dataclass
class _Run:
    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    failed: int = 0

    def take(self, order: OrderView) -> None:
        (self.existing if order.existing else self.created).append(order.waybill)

    def refuse(self, errors: list[RowError]) -> None:
        self.errors += errors
        self.failed += 1


def orders_import(
    *, actor: Principal, filename: str, content: bytes, own: Callable[[OrderDraft], OrderDraft]
) -> OrdersImported:
    """Each row is an order of its own: what fails in one does not touch another.

    `own` limits a draft to what the actor may order. A row without a customer's number gets one made of the file and its place, so
    that the same file sent again finds its orders. Raises Invalid for no table or missing columns, TooLarge over 2,000 rows.
    """
    rows = list(rows_read(content))
    if not rows:
        raise Invalid("文件是空的")
    if len(rows) > ROWS_MAX + 1:
        raise TooLarge(f"一次最多导入 {ROWS_MAX} 行，请拆成几个文件")
    columns, wrong = columns_of(rows[0])
    if wrong:
        raise Invalid(
            "表头有误：" + "；".join(error.message for error in wrong),
            fields={error.column: error.message for error in wrong},
        )
    name = hashlib.sha256(content).hexdigest()[:8]
    run = _Run()
    for row in rows[1:]:
        if row.fault:
            run.refuse([RowError(row=row.number, column="", message=row.fault)])
            continue
        draft = order_of(row, columns)
        if isinstance(draft, list):
            run.refuse(draft)
        else:
            draft = replace(draft, client_ref=draft.client_ref or f"IMP-{name}-{row.number}")
            try:
                run.take(order_create(actor=actor, draft=own(draft)))
            except ZaituError as error:
                fields = error.fields if isinstance(error, Invalid) else _fields_of(error)
                run.refuse(errors_of(row, columns, fields, error.message))
    access.audit(
        actor=actor,
        action="orders.import",
        subject=filename[:100] or "orders",
        detail={"created": len(run.created), "existing": len(run.existing), "failed": run.failed},
    )
    return OrdersImported(
        created=len(run.created),
        existing=len(run.existing),
        waybills=tuple(run.created),
        errors=cut(run.errors, ERRORS_TOLD),
        failed=run.failed,
    )


def _fields_of(error: ZaituError) -> dict[str, str]:
    """At which column a refusal of the whole order is told."""
    field = {Conflict: "client_ref", Forbidden: "customer_code"}.get(type(error))
    return {field: error.message} if field else {}


def orders_template() -> str:
    """The example row names a product and stations that this company has, so that the file itself can be tried."""
    examples = {}
    product = next((one for one in network.products_list(actor=_INSIDE) if one.active and not one.cold), None)
    if product is not None:
        examples["product"] = product.code
    line = next((one for one in network.lines_list(actor=_INSIDE).rows if one.active), None)
    if line is not None:
        for role, field, stop in (
            ("consignor", "from_station", line.stops[0]),
            ("consignee", "to_station", line.stops[-1]),
        ):
            examples[field] = stop.station.code
            examples[f"{role}.city"] = stop.station.city
            examples[f"{role}.address"] = "人民路 1 号"
    return template(examples)
