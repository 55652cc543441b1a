"""Orders from a file: good rows become orders, bad rows are told; the same file again makes nothing twice."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from zaitu.access import public as access
from zaitu.journey.domain.order_file import columns_of, cut, errors_of, order_of
from zaitu.journey.domain.views import OrderDraft, OrdersImported, RowError
from zaitu.journey.services.orders import order_create
from zaitu.kernel.errors import Invalid, TooLarge, ZaituError
from zaitu.kernel.principal import Principal
from zaitu.kernel.sheets import Row, rows_read

ROWS_MAX: Final = 2_000
ERRORS_TOLD: Final = 200


@dataclass
class _Run:
    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    failed: int = 0

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
    columns, missing = columns_of(rows[0])
    if missing:
        raise Invalid(
            "表头不完整：" + "、".join(error.column for error in missing),
            fields={error.column: error.message for error in missing},
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
            _take(
                actor,
                run,
                row,
                replace(draft, client_ref=draft.client_ref or f"IMP-{name}-{row.number}"),
                own,
            )
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


def _take(
    actor: Principal, run: _Run, row: Row, draft: OrderDraft, own: Callable[[OrderDraft], OrderDraft]
) -> None:
    try:
        order = order_create(actor=actor, draft=own(draft))
    except Invalid as error:
        run.refuse(errors_of(row, error.fields, error.message))
    except ZaituError as error:
        run.refuse([RowError(row=row.number, column="", message=error.message)])
    else:
        (run.existing if order.existing else run.created).append(order.waybill)
