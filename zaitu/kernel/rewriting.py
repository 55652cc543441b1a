"""Rows written anew after a change of the data key: every value under the newest key, a few hundred rows a transaction.

A value names its key (kernel.crypto), so what is left to do is seen in the rows themselves: whoever is stopped goes on where he was,
and whoever has nothing to do reads and writes nothing.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.db import connection, models, transaction

from zaitu.kernel import crypto
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.principal import Kind, Principal

ROWS: Final = 300
"""Rows of one transaction: others wait for a locked row as long as that takes."""

Plain = Mapping[str, str]
"""Field → text, of one row."""
Refresh = Callable[[Mapping[Any, Plain]], Mapping[Any, Mapping[str, Any]]]
"""Rows by primary key → the columns that follow from their texts (blind indexes), each row with the same ones.

A row that is left out stays as it is: what it follows from cannot be read.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction did."""

    what: str
    """The table, or what else was written anew."""
    done: int
    failed: int = 0
    """Left as they are: no configured key opens them, or what they follow from."""


def must_be_the_house(actor: Principal) -> None:
    """Raises Forbidden for all but commands and timers: it is no business of any role."""
    if actor.kind is not Kind.SYSTEM:
        raise Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: str
    key: str
    """Column of the primary key."""
    columns: tuple[str, ...]
    """Those that are encrypted."""

    def stale(self) -> tuple[str, list[str]]:
        """(condition, its values) of the rows with a value that is not under the newest key."""
        start = crypto.token_start()
        each = [f"({column} <> '' AND left({column}, {len(start)}) <> %s)" for column in self.columns]
        return f"({' OR '.join(each)})", [start] * len(self.columns)


def encrypted_tables(app: str = "") -> dict[type[models.Model], Table]:
    """Every model (of one room) that has encrypted columns."""
    found: dict[type[models.Model], Table] = {}
    for model in apps.get_app_config(app).get_models() if app else apps.get_models():
        about = model._meta  # noqa: SLF001  Django's documented door to a model
        columns = tuple(
            str(field.column) for field in about.fields if isinstance(field, crypto.EncryptedTextField)
        )
        if columns and about.pk is not None:
            found[model] = Table(name=about.db_table, key=str(about.pk.column), columns=columns)
    return found


def remaining() -> dict[str, int]:
    """Rows by table that are not under the newest key; tables without any are left out."""
    counts = {table.name: _left(table) for table in encrypted_tables().values()}
    return {name: count for name, count in counts.items() if count}


def _left(table: Table) -> int:
    condition, values = table.stale()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table.name} WHERE {condition}", values)  # noqa: S608  our own names
        return int(cursor.fetchone()[0])


def is_readable() -> bool:
    """Whether a configured key opens what is stored: one value of each table is tried, and one that opens is enough.

    A value that no key opens may have been damaged; when none opens, the keys are another installation's.
    """
    tried = 0
    for table in encrypted_tables().values():
        for column in table.columns:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {column} FROM {table.name} WHERE {column} <> '' LIMIT 1")  # noqa: S608  our own names
                row = cursor.fetchone()
            if row and _opened((column,), row) is not None:
                return True
            tried += bool(row)
    return not tried


def rows_rewrite(app: str, refresh: Mapping[type[models.Model], Refresh] | None = None) -> Iterator[Batch]:
    """Write the rows of a room's encrypted tables anew, batch by batch, in the order of their keys."""
    for model, table in encrypted_tables(app).items():
        after: Any = None
        while True:
            batch, after = _batch(table, (refresh or {}).get(model), after)
            if batch is None:
                break
            yield batch


FILES: Final = 50
"""Files told of at once."""


def files_rewrite(rows: models.QuerySet[Any], reseal: Callable[[Any], bool | None]) -> Iterator[Batch]:
    """Give every row's file to `reseal`, which tells True: done; False: nothing to do; None: no key opens it.

    A file is exchanged whole under its name, so that it is readable at every moment. Nobody may be copying the files: a backup
    would find another file than it has counted. Raises OSError when the disk is full.
    """
    after: Any = None
    while batch := list((rows if after is None else rows.filter(pk__gt=after)).order_by("pk")[:FILES]):
        outcomes = [reseal(row) for row in batch]
        if done := outcomes.count(True):
            yield Batch(what="files", done=done)
        if failed := outcomes.count(None):
            yield Batch(what="files", done=0, failed=failed)
        after = batch[-1].pk


def file_exchange(target: Path, content: bytes) -> None:
    """Another content under the same name, owner and mode: readable at every moment. Raises OSError when the disk is full."""
    aside = target.with_name(f"{target.name}.new")
    with aside.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    before = target.stat()
    os.chown(aside, before.st_uid, before.st_gid)  # root may do it for the user who runs Zaitu
    aside.chmod(before.st_mode & 0o777)
    aside.replace(target)


@transaction.atomic
def _batch(table: Table, refresh: Refresh | None, after: Any) -> tuple[Batch | None, Any]:
    """(what was done, the last key seen); None when nothing is left behind `after`."""
    condition, values = table.stale()
    beyond = "" if after is None else f" AND {table.key} > %s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {table.key}, {', '.join(table.columns)} FROM {table.name} WHERE {condition}{beyond}"  # noqa: S608  our own names
            f" ORDER BY {table.key} LIMIT {ROWS} FOR NO KEY UPDATE",
            values if after is None else [*values, after],
        )
        rows = cursor.fetchall()
    if not rows:
        return None, after
    plain = {row[0]: texts for row in rows if (texts := _opened(table.columns, row[1:])) is not None}
    more = refresh(plain) if refresh and plain else {pk: {} for pk in plain}
    plain = {pk: texts for pk, texts in plain.items() if pk in more}
    _write(table, plain, more)
    return Batch(what=table.name, done=len(plain), failed=len(rows) - len(plain)), rows[-1][0]


def _opened(columns: tuple[str, ...], tokens: tuple[str | None, ...]) -> dict[str, str] | None:
    """The texts of a row; None when one of them cannot be opened."""
    try:
        return {name: crypto.decrypt(token or "") for name, token in zip(columns, tokens, strict=True)}
    except crypto.Undecipherable:
        return None


def _write(table: Table, plain: Mapping[Any, Plain], more: Mapping[Any, Mapping[str, Any]]) -> None:
    if not plain:
        return
    extra = tuple(next(iter(more.values())))
    setting = ", ".join(f"{name} = %s" for name in (*table.columns, *extra))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table.name} SET {setting} WHERE {table.key} = %s",  # noqa: S608  our own names
            [
                [
                    *(crypto.encrypt(texts[name]) for name in table.columns),
                    *(more[pk][name] for name in extra),
                    pk,
                ]
                for pk, texts in plain.items()
            ],
        )
