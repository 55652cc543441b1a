"""What the journey keeps under the data key, written anew after a change of it: rows with their indexes, and files."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from django.db import connection, transaction

from zaitu.customers import public as customers
from zaitu.journey.models import Order, ScanReceipt, Shipment, StoredFile
from zaitu.journey.selectors.people import people_of
from zaitu.kernel import crypto, logs, pictures
from zaitu.kernel.principal import system
from zaitu.kernel.rewriting import Batch, Plain, files_rewrite, rows_rewrite

_ACTOR: Final = system("journey.keys")
_FINGERPRINTS: Final = 2_000

log = logs.logger("journey.keys")


def keys_rewrite() -> Iterator[Batch]:
    """Shipments, proofs, fingerprints."""
    yield from rows_rewrite("journey", {Shipment: _indexes})
    for model in (Order, ScanReceipt):
        yield from _fingerprints_forget(model)


def _indexes(rows: Mapping[Any, Plain]) -> dict[Any, dict[str, Any]]:
    """Tails and people; those that were emptied, because somebody was erased, stay empty."""
    shipments = list(
        Shipment.objects.filter(pk__in=rows).only(
            "consignor_contact", "consignee_contact", "consignor_tail", "consignee_tail", "people"
        )
    )
    ids = {pk for row in shipments for pk in (row.consignor_contact, row.consignee_contact) if pk}
    contacts = _contacts(ids)
    tails = customers.contact_tail_indexes(contacts)
    found: dict[Any, dict[str, Any]] = {}
    for row in shipments:
        both = [pk for pk in (row.consignor_contact, row.consignee_contact) if pk]
        if not contacts.keys() >= set(both):
            continue
        parties = [
            (contacts[pk].name, contacts[pk].phone) for pk in both if pk in contacts and contacts[pk].phone
        ]
        found[row.pk] = {
            "consignor_tail": row.consignor_tail and tails.get(row.consignor_contact or 0, ""),
            "consignee_tail": row.consignee_tail and tails.get(row.consignee_contact or 0, ""),
            "people": row.people and people_of(parties, [tails.get(pk, "") for pk in both]),
        }
    return found


def _contacts(ids: Collection[int]) -> dict[int, customers.ContactView]:
    """Those that can be read."""
    try:
        return customers.contacts_read(actor=_ACTOR, ids=ids)
    except crypto.Undecipherable:
        if len(ids) == 1:
            return {}
        wanted = sorted(ids)
        middle = len(wanted) // 2
        return _contacts(wanted[:middle]) | _contacts(wanted[middle:])


def _fingerprints_forget(model: type[Order] | type[ScanReceipt]) -> Iterator[Batch]:
    """What they were made of is kept nowhere: told again, those orders and scans are taken for the same ones."""
    table, newest = model._meta.db_table, crypto.key_ids()[0]  # noqa: SLF001  Django's documented door to a model
    statement = f"""
        UPDATE {table} SET fingerprint = '' WHERE id IN (
            SELECT id FROM {table} WHERE fingerprint <> '' AND left(fingerprint, %s) <> %s
             ORDER BY id LIMIT %s FOR NO KEY UPDATE)"""  # noqa: S608  our own names
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [len(newest), newest, _FINGERPRINTS])
            done = cursor.rowcount
        if not done:
            return
        yield Batch(what=f"{table}.fingerprint", done=done)


def files_reseal() -> Iterator[Batch]:
    """Photos and signatures under the newest key, those stored before files were sealed as well; see `kernel.rewriting.files_rewrite`."""
    return files_rewrite(StoredFile.objects.all(), _reseal)


def _reseal(row: StoredFile) -> bool | None:
    """True: done; False: nothing to do; None: no key opens it."""
    try:
        return pictures.reseal(row.path, str(row.pk))
    except FileNotFoundError:
        log.warning("a stored file is not on the disk", file=str(row.pk))
        return False
