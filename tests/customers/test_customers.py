"""Customers: kept, found in Chinese, and never visible to another customer's key."""

import pytest

from tests.access import make as people
from tests.customers import make
from zaitu.access.models import AuditEntry
from zaitu.customers import public as customers
from zaitu.customers.models import Customer
from zaitu.customers.public import CustomerDraft, CustomerKind
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Right, anyone

pytestmark = pytest.mark.django_db


def test_a_customer_is_made_and_changed_under_its_code():
    service = people.staff("service")
    customers.customer_put(actor=service, draft=CustomerDraft(code="ACME", name="江南精密仪器"))
    customers.customer_put(
        actor=service,
        draft=CustomerDraft(code="ACME", name="江南仪器", kind=CustomerKind.RETAIL, active=False),
    )
    view = customers.customer_get(actor=service, code="ACME")
    assert (view.name, view.kind, view.active) == ("江南仪器", CustomerKind.RETAIL, False)
    assert Customer.objects.count() == 1
    assert AuditEntry.objects.filter(action="customer.put", subject="ACME", actor=service.name).count() == 2


@pytest.mark.parametrize("text", ["精密", "江南", "acm", "ACME", "仪器"])
def test_a_customer_is_found_by_part_of_name_or_code(text):
    make.customer()
    make.customer(code="OTHER", name="北方食品")
    page = customers.customers_search(actor=people.staff("service"), text=text)
    assert [row.code for row in page.rows] == ["ACME"]


def test_searching_takes_two_queries_however_many_there_are(django_assert_num_queries):
    actor = people.staff("service")
    for number in range(5):
        make.customer(code=f"C{number}0")
    with django_assert_num_queries(2):
        assert customers.customers_search(actor=actor).total == 5


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("code", {"code": "A"}),
        ("code", {"code": "客户"}),
        ("code", {"code": "<b>"}),
        ("name", {"name": " "}),
        ("name", {"name": "长" * 81}),
        ("email", {"email": "a@b"}),
        ("email", {"email": "a@example.cn, b@example.cn"}),
        ("email", {"email": "a@example.cn\nBcc: b@example.cn"}),
    ],
)
def test_a_wrong_draft_is_refused_at_its_field(field, wrong):
    with pytest.raises(Invalid) as refused:
        make.customer(**wrong)
    assert set(refused.value.fields) == {field}
    assert not Customer.objects.exists()


@pytest.mark.parametrize("role", ["dispatch", "warehouse", "driver", "finance"])
def test_only_service_managers_and_administrators_edit_customers(role):
    with pytest.raises(Forbidden):
        customers.customer_put(actor=people.staff(role), draft=CustomerDraft(code="ACME", name="江南"))
    assert not Customer.objects.exists()


@pytest.mark.parametrize("role", ["warehouse", "driver"])
def test_who_has_no_business_with_customers_does_not_read_them(role):
    make.customer()
    actor = people.staff(role)
    with pytest.raises(Forbidden):
        customers.customers_search(actor=actor)
    with pytest.raises(Forbidden):
        customers.customer_get(actor=actor, code="ACME")


def test_a_key_reads_its_own_customer_and_no_other():
    make.customer()
    make.customer(code="OTHER")
    key = people.key_of("ACME", Right.SHIPMENTS_READ)
    assert customers.customer_get(actor=key, code="ACME").code == "ACME"
    answers = set()
    for code in ("OTHER", "NOBODY"):
        with pytest.raises(NotFound) as refused:
            customers.customer_get(actor=key, code=code)
        answers.add(refused.value.message)
    assert len(answers) == 1
    for attempt in (
        lambda: customers.customers_search(actor=key),
        lambda: customers.customer_put(actor=key, draft=CustomerDraft(code="ACME", name="x")),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_strangers_get_nothing():
    make.customer()
    with pytest.raises(Forbidden):
        customers.customer_get(actor=anyone(), code="ACME")
