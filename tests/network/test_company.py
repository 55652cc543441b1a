"""What the company is called: one row, checked, on record, and kept in memory for seconds only."""

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from zaitu.access.models import AuditEntry
from zaitu.access.public import audit_changes
from zaitu.kernel.errors import Forbidden, Invalid
from zaitu.kernel.principal import Kind, Principal, Right, system
from zaitu.network import public as network
from zaitu.network.adapters import company as adapter
from zaitu.network.models import Company
from zaitu.network.public import CompanyView

pytestmark = pytest.mark.django_db
ACTOR = system("tests")
SHUNCHI = CompanyView(name="顺驰物流", hotline="400-820-0000")


def put(company=SHUNCHI, actor=ACTOR):
    network.company_put(actor=actor, company=company)


@pytest.fixture
def later(monkeypatch):
    """Lets time pass for what is kept."""
    now = [1_000.0]
    monkeypatch.setattr(adapter.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_a_company_that_was_never_named_has_no_name():
    assert network.company() == CompanyView(name="", hotline="")


def test_it_is_named_and_renamed_in_one_row_and_on_record():
    put()
    put(CompanyView(name=" 顺驰供应链 ", hotline="０２１-55556666 转 8"))
    assert Company.objects.count() == 1
    assert adapter.Kept().read() == CompanyView(name="顺驰供应链", hotline="021-55556666 转 8")
    entries = AuditEntry.objects.filter(action="company.put")
    assert entries.count() == 2
    changes = audit_changes(actor=ACTOR, entry_id=entries.order_by("-id")[0].pk)
    assert ("name", "顺驰物流", "顺驰供应链") in [field for change in changes for field in change.fields]


def test_saving_what_is_there_already_is_no_change():
    put()
    put()
    assert AuditEntry.objects.filter(action="company.put").count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (CompanyView(name=" "), "name"),
        (CompanyView(name="长" * 41), "name"),
        (CompanyView(name="a\u0007b"), "name"),
        (CompanyView(name="顺驰", hotline="打我电话"), "hotline"),
        (CompanyView(name="顺驰", hotline='400-820-0000" onclick='), "hotline"),
        (CompanyView(name="顺驰", hotline="1"), "hotline"),
        (CompanyView(name="顺驰", hotline="4" * 40), "hotline"),
    ],
)
def test_what_is_no_name_or_no_number_is_refused_at_its_field(wrong, field):
    with pytest.raises(Invalid) as refused:
        put(wrong)
    assert set(refused.value.fields) == {field}
    assert not Company.objects.exists()


def test_only_who_may_edit_the_company_does():
    rights = frozenset(Right) - {Right.COMPANY_EDIT}
    with pytest.raises(Forbidden):
        put(actor=Principal(kind=Kind.STAFF, name="zhang", rights=rights))
    assert not Company.objects.exists()


def test_another_process_knows_the_new_name_within_five_seconds_and_asks_no_oftener(
    later, django_assert_num_queries
):
    other = adapter.Kept()
    assert other.read().name == ""
    put()
    later(adapter.TTL_S - 0.1)
    with django_assert_num_queries(0):
        assert other.read().name == ""
    later(0.1)
    with django_assert_num_queries(1):
        assert other.read() == other.read() == SHUNCHI


@pytest.mark.django_db(transaction=True)
def test_the_process_that_changed_it_knows_at_once():
    assert network.company().name == ""
    put()
    assert network.company() == SHUNCHI


def test_while_the_database_does_not_answer_the_last_name_stays(later, monkeypatch):
    put()
    assert network.company() == SHUNCHI
    later(3600)

    def away(*_args):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        assert network.company() == SHUNCHI
    assert network.company_known() == SHUNCHI


@pytest.mark.parametrize("rows", [2, 7])
def test_there_is_never_a_second_company(rows):
    put()
    with pytest.raises(IntegrityError), transaction.atomic():
        Company.objects.create(pk=rows, name="另一家")


def test_an_emptied_process_knows_nothing_until_it_asks_again():
    put()
    assert network.company() == network.company_known() == SHUNCHI
    adapter.KEPT.empty()
    assert network.company_known().name == ""
    assert network.company() == SHUNCHI
