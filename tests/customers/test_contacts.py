"""Contacts: encrypted, masked, found by blind index, erased for good; every whole read is on record."""

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from tests.access import make as people
from tests.customers import make
from tests.personal import readable
from zaitu.access.models import AuditEntry
from zaitu.customers import public as customers
from zaitu.customers.models import Contact
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.models import OutboxRow
from zaitu.kernel.principal import Right, anyone, system

pytestmark = pytest.mark.django_db
PERSONAL = ["王小明", "13812345678", "红星路", "1203", "wang@example.cn", "5678"]


def personal_reads():
    return list(AuditEntry.objects.filter(action="personal.read").values_list("actor", "subject", "detail"))


def test_nothing_personal_is_readable_in_the_database():
    make.contact()
    with connection.cursor() as cursor:
        for table in ("customers_contact", "access_auditentry", "kernel_outboxrow"):
            cursor.execute(f"SELECT coalesce(string_agg({table}::text, ' '), '') FROM {table}")
            (everything,) = cursor.fetchone()
            assert readable(everything, *PERSONAL) == []


@pytest.mark.parametrize("said", ["(7,5678)", '"phone_tail": "5678"', "138****5678", "16号1203室"])
def test_four_personal_digits_are_found_where_they_stand_alone(said):
    assert readable(said, "1203", "5678")


@pytest.mark.parametrize(
    "said", ["2026-11-27 12:00:00.567812+00", "3f5678ab", "c29tZQ5678==", "00:00:00.5678+00"]
)
def test_the_same_digits_inside_a_digest_or_a_time_are_nobodys(said):
    assert not readable(said, "1203", "5678")


def test_encrypted_fields_refuse_to_be_searched():
    with pytest.raises(FieldError, match="blind index"):
        Contact.objects.filter(phone="13812345678").exists()


def test_the_same_party_twice_is_one_contact_in_any_spelling_of_the_phone():
    first = make.contact(phone="138-1234-5678")
    assert make.contact(phone="+86 138 1234 5678") == first
    assert make.contact(name="王小红") != first
    assert AuditEntry.objects.filter(action="contact.put").count() == 2


@pytest.mark.parametrize(
    "role", ["service", "dispatch", "warehouse", "driver", "finance", "manager", "administrator"]
)
def test_staff_see_a_contact_masked_by_default(role):
    pk = make.contact()
    view = customers.contacts_read(actor=people.staff(role), ids=[pk])[pk]
    assert (view.masked, view.name, view.city) == (True, "王**", "成都")
    assert sum(letter.isdigit() for letter in view.phone) <= 5
    assert "16号" not in view.address
    assert "1203" not in view.address
    assert view.email == "w***@example.cn"
    assert personal_reads() == []


@pytest.mark.parametrize("role", ["service", "dispatch", "manager", "administrator"])
def test_who_may_sees_it_whole_for_a_reason_and_that_is_on_record(role):
    pk, actor = make.contact(), people.staff(role)
    view = customers.contacts_read(actor=actor, ids=[pk], reason="客户来电核对")[pk]
    assert (view.masked, view.name, view.phone) == (False, "王小明", "13812345678")
    assert personal_reads() == [(actor.name, f"contact:{pk}", {"contacts": [pk], "reason": "客户来电核对"})]


@pytest.mark.parametrize("role", ["warehouse", "finance"])
def test_who_may_not_stays_with_the_mask_whatever_the_reason(role):
    pk = make.contact()
    assert customers.contacts_read(actor=people.staff(role), ids=[pk], reason="想看看")[pk].masked
    assert personal_reads() == []


def test_one_read_of_many_contacts_is_one_query_and_one_record(django_assert_num_queries):
    ids = [make.contact(name=f"王小{number}") for number in "一二三四五"]
    actor = people.staff("service")
    with django_assert_num_queries(2):
        found = customers.contacts_read(actor=actor, ids=ids, reason="批量通知")
    assert len(found) == 5
    ((_, subject, detail),) = personal_reads()
    assert (subject, detail["contacts"]) == ("contacts", sorted(ids))


def test_the_system_reads_whole_without_a_record():
    pk = make.contact()
    assert not customers.contacts_read(actor=system("notify"), ids=[pk])[pk].masked
    assert personal_reads() == []


def test_a_key_reads_its_own_contacts_and_others_are_not_there():
    make.customer()
    make.customer(code="OTHER")
    own, other, retail = (
        make.contact(customer_code="ACME"),
        make.contact(customer_code="OTHER"),
        make.contact(),
    )
    key = people.key_of("ACME", Right.SHIPMENTS_READ, Right.ORDERS_CREATE)
    found = customers.contacts_read(actor=key, ids=[own, other, retail])
    assert list(found) == [own]
    assert not found[own].masked
    assert customers.contact_ids_by_phone(actor=key, phone="13812345678") == [own]
    assert customers.contact_ids_by_tail(actor=key, tail="5678") == [own]


def test_what_a_key_makes_is_its_own_whatever_it_says():
    make.customer()
    make.customer(code="OTHER")
    key = people.key_of("ACME", Right.ORDERS_CREATE)
    pk = customers.contact_put(actor=key, draft=make.contact_draft(customer_code="OTHER"))
    assert Contact.objects.get(pk=pk).customer.code == "ACME"


def test_the_holder_of_a_link_reads_whole_and_that_is_on_record():
    pk = make.contact()
    holder = people.link_to("ZT1234567890120", Right.TRACK_EXACT)
    assert not customers.contacts_read(actor=holder, ids=[pk])[pk].masked
    assert personal_reads()[0][0] == holder.name


@pytest.mark.parametrize("actor", [anyone(), people.link_to("ZT1234567890120"), people.key_of("ACME")])
def test_strangers_read_nothing_not_even_masked(actor):
    pk = make.contact()
    with pytest.raises(Forbidden):
        customers.contacts_read(actor=actor, ids=[pk])
    with pytest.raises(Forbidden):
        customers.contact_ids_by_phone(actor=actor, phone="13812345678")
    with pytest.raises(Forbidden):
        customers.contact_ids_by_tail(actor=actor, tail="5678")
    with pytest.raises(Forbidden):
        customers.contact_put(actor=actor, draft=make.contact_draft())
    with pytest.raises(Forbidden):
        customers.contacts_put(actor=actor, drafts=[make.contact_draft()])


def test_a_contact_is_found_by_its_number_in_any_spelling_and_by_its_tail():
    pk, actor = make.contact(), people.staff("service")
    make.contact(name="李雷", phone="13900005679")
    assert customers.contact_ids_by_phone(actor=actor, phone="+86-138-1234-5678") == [pk]
    assert customers.contact_ids_by_tail(actor=actor, tail="5678") == [pk]
    assert customers.tail_indexes("5678") == (customers.contact_tail_index(pk),)
    assert customers.contact_tail_index(pk) not in customers.tail_indexes("5679")
    assert customers.contact_tail_index(0) == ""


@pytest.mark.parametrize("tail", ["", "567", "56789", "abcd", "５６７８", "5678 "])
def test_a_tail_is_four_digits(tail):
    with pytest.raises(Invalid):
        customers.tail_indexes(tail)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("phone", {"phone": "12345"}),
        ("phone", {"phone": ""}),
        ("name", {"name": ""}),
        ("name", {"name": "长" * 61}),
        ("address", {"address": " "}),
        ("city", {"city": ""}),
        ("email", {"email": "not an address"}),
    ],
)
def test_a_wrong_draft_is_refused_at_its_field(field, wrong):
    with pytest.raises(Invalid) as refused:
        make.contact(**wrong)
    assert set(refused.value.fields) == {field}
    assert not Contact.objects.exists()


def test_a_contact_of_an_unknown_customer_is_refused():
    with pytest.raises(NotFound):
        make.contact(customer_code="NOBODY")
    assert not Contact.objects.exists()


def test_erasing_blanks_the_person_and_keeps_the_id():
    pk, actor = make.contact(), people.staff("service")
    assert customers.contact_erase(actor=actor, contact_id=pk, reason="本人申请删除")
    view = customers.contacts_read(actor=system("test"), ids=[pk])[pk]
    assert (view.erased, view.name, view.phone, view.address, view.email) == (True, "", "", "", "")
    assert customers.contact_ids_by_phone(actor=actor, phone="13812345678") == []
    assert customers.contact_ids_by_tail(actor=actor, tail="5678") == []
    assert customers.contact_tail_index(pk) == ""
    assert OutboxRow.objects.get().name == "customers.contact_erased"
    assert not customers.contact_erase(actor=actor, contact_id=pk, reason="再次申请")
    assert AuditEntry.objects.filter(action="contact.erase").count() == 1
    assert make.contact() != pk


def test_erasing_a_person_takes_every_contact_with_the_number():
    first, second = make.contact(), make.contact(address="高新区天府大道1号")
    other = make.contact(phone="13900001111")
    assert (
        customers.person_erase(actor=people.staff("manager"), phone="138 1234 5678", reason="本人申请") == 2
    )
    assert set(Contact.objects.exclude(erased_at=None).values_list("pk", flat=True)) == {first, second}
    assert not customers.contacts_read(actor=system("test"), ids=[other])[other].erased


@pytest.mark.parametrize("role", ["dispatch", "warehouse", "driver", "finance"])
def test_who_may_not_edit_customers_erases_nobody(role):
    pk, actor = make.contact(), people.staff(role)
    with pytest.raises(Forbidden):
        customers.contact_erase(actor=actor, contact_id=pk, reason="x")
    with pytest.raises(Forbidden):
        customers.person_erase(actor=actor, phone="13812345678", reason="x")
    assert Contact.objects.get().erased_at is None


def test_erasing_without_a_reason_is_refused():
    pk = make.contact()
    with pytest.raises(Invalid):
        customers.contact_erase(actor=people.staff("manager"), contact_id=pk, reason=" ")
    assert Contact.objects.get().erased_at is None


def test_many_contacts_are_one_entry_in_the_record_that_counts_the_new_ones():
    old = make.contact()
    drafts = [make.contact_draft(), make.contact_draft(name="李四"), make.contact_draft(name="王五")]
    found = customers.contacts_put(actor=system("import"), drafts=drafts)
    assert found[0] == old
    assert len(set(found)) == 3
    (entry,) = AuditEntry.objects.filter(action="contacts.put")
    assert entry.detail == {"contacts": 2, "first": min(found[1:]), "last": max(found[1:])}
    assert AuditEntry.objects.filter(action="contact.put").count() == 1
    assert customers.contacts_put(actor=system("import"), drafts=drafts) == found
    assert AuditEntry.objects.filter(action="contacts.put").count() == 1
