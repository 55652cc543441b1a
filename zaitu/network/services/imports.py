"""Import of a file: good rows are stored, bad rows are told exactly; a second import of the same file changes nothing.

Rows are stored in batches of BATCH, each in a fixed number of queries, all in one transaction.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import Model, QuerySet

from zaitu.access import public as access
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal
from zaitu.kernel.sheets import Row, rows_read
from zaitu.network import selectors
from zaitu.network.domain.bindings import Stay, stay_added
from zaitu.network.domain.columns import (
    KINDS,
    BindingRow,
    Kind,
    LineRow,
    columns_found,
    errors_of,
    key_text,
    row_parsed,
)
from zaitu.network.domain.lines import PlacedLine, line_placed
from zaitu.network.domain.views import ImportReport, LineDraft, RowError, StationView
from zaitu.network.models import Driver, Line, ServiceProduct, Station
from zaitu.network.services import store
from zaitu.network.services.bindings import stays_locked, stays_write

BATCH: Final = 500
LINES_BATCH: Final = 50
"""Lines carry their whole road."""
ERRORS_MAX: Final = 1_000
"""Errors told one by one; more are only counted."""

Numbered = tuple[int, Any]
"""Row number and draft."""


@dataclass
class _Run:
    """What has become of the rows so far."""

    kind: Kind
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    bad_rows: set[int] = field(default_factory=set)
    bad_keys: set[str] = field(default_factory=set)
    """Codes of bad rows: a line with one bad row is not stored at all."""
    first_rows: dict[str, int] = field(default_factory=dict)
    """Key → row: the same key twice in one file is a mistake of the second."""

    def stored(self, stored: store.Stored) -> None:
        self.created += stored.created
        self.updated += stored.updated
        self.unchanged += stored.unchanged

    def refuse(self, errors: Iterable[RowError]) -> None:
        for error in errors:
            self.bad_rows.add(error.row)
            if len(self.errors) < ERRORS_MAX:
                self.errors.append(error)

    def report(self) -> ImportReport:
        return ImportReport(
            created=self.created,
            updated=self.updated,
            unchanged=self.unchanged,
            failed=len(self.bad_rows),
            errors=tuple(sorted(self.errors, key=lambda error: error.row)),
        )


@transaction.atomic
def import_rows(*, actor: Principal, kind: str, filename: str, content: bytes) -> ImportReport:
    """Raises Invalid for an unknown kind or what is no table at all, TooLarge."""
    run = _Run(kind_of(kind))
    rows = rows_read(content)
    header = next(rows, None)
    if header is None:
        raise Invalid("文件是空的")
    places, faults = columns_found(run.kind, header)
    run.errors += faults
    if places is None:
        return run.report()
    drafts = _drafts(run, places, rows)
    if kind == "lines":
        _lines(run, drafts)
    while batch := list(islice(drafts, BATCH)):
        _STORES[kind](run, batch)
    detail = {
        "file": filename[:100],
        "created": run.created,
        "updated": run.updated,
        "failed": len(run.bad_rows),
    }
    access.audit(actor=actor, action="network.import", subject=kind, detail=detail)
    return run.report()


def _drafts(run: _Run, places: dict[str, int], rows: Iterator[Row]) -> Iterator[Numbered]:
    """Good rows as drafts; bad ones are told."""
    for row in rows:
        if row.fault:
            run.refuse([RowError(row=row.number, column="", message=row.fault)])
            return
        draft, errors = row_parsed(run.kind, places, row)
        if errors:
            run.refuse(errors)
            run.bad_keys.add(key_text(run.kind, places, row))
        else:
            yield row.number, draft


def kind_of(kind: str) -> Kind:
    if kind not in KINDS:
        raise Invalid(f"没有 {kind} 这一类文件", fields={"kind": "unknown"})
    return KINDS[kind]


def _by_code(
    model: type[Model], store_all: Callable[[list[Any]], store.Stored]
) -> Callable[[_Run, list[Numbered]], None]:
    def write(run: _Run, batch: list[Numbered]) -> None:
        run.stored(store_all([draft for _, draft in _zeros_kept(run, model, _once(run, batch))]))

    return write


def _by_plate(run: _Run, batch: list[Numbered]) -> None:
    run.stored(store.vehicles_store([draft for _, draft in _once(run, batch)]))


def _once(run: _Run, batch: list[Numbered]) -> list[Numbered]:
    """Without rows whose key stood in the file before."""
    kept = []
    for number, draft in batch:
        key = getattr(draft, run.kind.key)
        before = run.first_rows.setdefault(key, number)
        if before == number:
            kept.append((number, draft))
        else:
            run.refuse([_key_error(run, number, f"与第 {before} 行重复", key)])
    return kept


def _zeros_kept(run: _Run, model: type[Model], batch: list[Numbered]) -> list[Numbered]:
    """Without rows whose code is a known code less its leading zeros: Excel took them, and a twin must not be born."""
    plain = {draft.code for _, draft in batch if draft.code.isdigit()}
    if not plain:
        return batch
    table: QuerySet[Model] = QuerySet(model)
    known = set(table.filter(code__in=plain).values_list("code", flat=True))
    padded = {
        code.lstrip("0"): code for code in table.filter(code__startswith="0").values_list("code", flat=True)
    }
    kept = []
    for number, draft in batch:
        full = padded.get(draft.code)
        if draft.code in known or full is None:
            kept.append((number, draft))
        else:
            message = f"可能丢了开头的 0：已有 {full}；请把这一列设为“文本”后重新填写"
            run.refuse([_key_error(run, number, message, draft.code)])
    return kept


def _bindings(run: _Run, batch: list[Numbered]) -> None:
    rows: list[tuple[int, BindingRow]] = batch
    vehicle_ids = selectors.vehicle_ids(row.stay.plate for _, row in rows)
    before = stays_locked(row.terminal for _, row in rows)
    after: dict[str, tuple[Stay, ...]] = {}
    for number, row in rows:
        if row.stay.plate not in vehicle_ids:
            message = f"没有车牌号为 {row.stay.plate} 的车辆"
            run.refuse(
                errors_of(run.kind, number, Invalid(fields={"plate": message}), {"plate": row.stay.plate})
            )
            continue
        stays = after.get(row.terminal, tuple(before[row.terminal]))
        try:
            with_it = stay_added(stays, row.stay)
        except Conflict as error:
            run.refuse([_key_error(run, number, error.message, row.terminal)])
            continue
        except Invalid as error:
            run.refuse(errors_of(run.kind, number, error, {}))
            continue
        grown = len(with_it) > len(stays)
        run.stored(
            store.Stored(created=grown, updated=not grown and with_it != stays, unchanged=with_it == stays)
        )
        after[row.terminal] = with_it
    stays_write(before, after, vehicle_ids)


def _lines(run: _Run, drafts: Iterator[Numbered]) -> None:
    """A line is many rows: it is stored whole, or not at all."""
    by_code: dict[str, list[tuple[int, LineRow]]] = defaultdict(list)
    for number, row in _zeros_kept(run, Line, list(drafts)):
        by_code[row.code].append((number, row))
    products = {product.code for product in selectors.products()}
    stations = selectors.stations_by_codes(row.stop.station for rows in by_code.values() for _, row in rows)
    lines = (_line(run, rows, stations, products) for rows in by_code.values())
    placed = (line for line in lines if line is not None)
    while batch := list(islice(placed, LINES_BATCH)):
        run.stored(store.lines_store(batch))


def _line(
    run: _Run, rows: list[tuple[int, LineRow]], stations: dict[str, StationView], products: set[str]
) -> PlacedLine | None:
    """The line of these rows; None when it is refused, and then every one of its rows is."""
    first_number, first = rows[0]
    errors = _row_faults(run.kind, rows, stations)
    if first.code in run.bad_keys:
        errors.append(_key_error(run, first_number, "这条线路另有错误行，整条没有导入", first.code))
    if not errors:
        in_order = sorted((row for _, row in rows), key=lambda row: row.seq)
        draft = LineDraft(
            code=first.code,
            name=first.name,
            product=first.product,
            stops=tuple(row.stop for row in in_order),
            points=tuple(point for row in in_order for point in row.road),
            active=first.active,
        )
        try:
            return line_placed(draft, stations=stations, products=products)
        except Invalid as error:
            errors = errors_of(run.kind, first_number, error, {"product": first.product})
    run.refuse(errors)
    run.bad_rows.update(number for number, _ in rows)
    return None


def _row_faults(
    kind: Kind, rows: list[tuple[int, LineRow]], stations: dict[str, StationView]
) -> list[RowError]:
    """What is wrong with single rows of a line: an unknown station, a sequence number or a name that does not agree."""
    first_number, first = rows[0]
    seen: dict[int, int] = {}
    errors = []
    for number, row in rows:
        faults = {}
        if row.stop.station not in stations:
            faults["station"] = f"没有编码为 {row.stop.station} 的站点"
        if seen.setdefault(row.seq, number) != number:
            faults["seq"] = f"与第 {seen[row.seq]} 行的站序重复"
        if (row.name, row.product, row.active) != (first.name, first.product, first.active):
            faults["name"] = f"同一条线路的名称、产品和启用须与第 {first_number} 行一致"
        values = {"station": row.stop.station, "seq": row.seq, "name": row.name}
        errors += errors_of(kind, number, Invalid(fields=faults), values) if faults else []
    return errors


def _key_error(run: _Run, number: int, message: str, value: str) -> RowError:
    header = next(column.header for column in run.kind.columns if column.key == run.kind.key)
    return RowError(row=number, column=header, message=message, value=value)


_STORES: Final[dict[str, Callable[[_Run, list[Numbered]], None]]] = {
    "stations": _by_code(Station, store.stations_store),
    "products": _by_code(ServiceProduct, store.products_store),
    "vehicles": _by_plate,
    "drivers": _by_code(Driver, lambda drafts: store.drivers_store(drafts, keep_user=True)),
    "bindings": _bindings,
}
