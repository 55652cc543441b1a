"""The audit: who did what, what it was before and after, and nobody can rewrite it."""

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError

from tests.access import make
from zaitu.access import public as access
from zaitu.access.models import AuditEntry, Team
from zaitu.access.public import UserDraft
from zaitu.kernel.errors import Forbidden, NotFound
from zaitu.kernel.principal import system

pytestmark = pytest.mark.django_db


def record(**fields):
    access.audit(**{"actor": system("test"), "action": "order.create", "subject": "ZT1"} | fields)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_auditentry SET actor = 'nobody'",
        "DELETE FROM access_auditentry",
        "UPDATE access_teamversion SET name = 'x'",
    ],
)
def test_the_database_refuses_to_change_or_remove_what_was_recorded(statement):
    record()
    Team.objects.create(name="夜班")
    with (
        pytest.raises((InternalError, DatabaseError), match="Cannot update"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEntry.objects.get().actor == "test"


def test_newest_come_first_and_filters_are_exact_or_by_beginning():
    manager = make.staff("manager")
    record()
    record(subject="ZT2", action="personal.read")
    record(actor=manager, subject="ZT2")

    def found(**query):
        return [
            (row.actor, row.action, row.subject) for row in access.audit_list(actor=manager, **query).rows
        ]

    assert found()[0] == (manager.name, "order.create", "ZT2")
    assert found(subject="ZT1") == [("test", "order.create", "ZT1")]
    assert found(action="personal.") == [("test", "personal.read", "ZT2")]
    assert found(by=manager.name, subject="ZT2") == [(manager.name, "order.create", "ZT2")]
    assert found(subject="ZT") == []


def test_pages_hold_fifty(django_assert_num_queries):
    manager = make.staff("manager")
    for _ in range(51):
        record()
    with django_assert_num_queries(2):
        page = access.audit_list(actor=manager, page=2)
    assert (len(page.rows), page.total, page.pages) == (1, 51, 2)


@pytest.mark.parametrize("role", ["service", "dispatch", "warehouse", "driver", "finance"])
def test_only_managers_and_administrators_read_it(role):
    record()
    actor = make.staff(role)
    with pytest.raises(Forbidden):
        access.audit_list(actor=actor)
    with pytest.raises(Forbidden):
        access.audit_changes(actor=actor, entry_id=AuditEntry.objects.first().pk)


@pytest.mark.django_db(transaction=True)
def test_an_entry_shows_what_changed_in_its_transaction():
    administrator = make.staff("administrator")
    access.user_create(actor=administrator, draft=UserDraft(username="li.lei", roles=frozenset({"service"})))
    access.user_update(
        actor=administrator,
        draft=UserDraft(username="li.lei", roles=frozenset({"finance"}), password=make.PASSWORD),
    )
    made, changed = AuditEntry.objects.order_by("id")
    (change,) = access.audit_changes(actor=administrator, entry_id=changed.pk)
    assert (change.table, change.label) == ("access.user", "update")
    assert change.fields == (("roles", "service", "finance"),)
    (change,) = access.audit_changes(actor=administrator, entry_id=made.pk)
    assert change.label == "insert"
    assert ("username", "", "li.lei") in change.fields


def test_an_entry_that_is_not_there_says_so():
    with pytest.raises(NotFound):
        access.audit_changes(actor=make.staff("manager"), entry_id=1)


def test_long_names_and_subjects_are_cut_rather_than_lost():
    record(subject="长" * 200)
    assert AuditEntry.objects.get().subject == "长" * 100
