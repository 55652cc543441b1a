"""Signed links: one shipment, for a while, until revoked."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import travel

from tests.access import make
from zaitu.access import public as access
from zaitu.access.models import AuditEntry, SignedLink
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Kind, Right, system

pytestmark = pytest.mark.django_db
WAYBILL = "ZT1234567890120"


def test_a_link_opens_exactly_its_shipment():
    token = access.link_issue(actor=make.staff("service"), waybill=WAYBILL)
    holder = access.principal_of_link(token)
    assert (holder.kind, holder.waybill, holder.scopes) == (Kind.LINK, WAYBILL, {"view"})
    assert holder.rights == {Right.TRACK_EXACT, Right.TALK}


def test_a_link_to_act_says_so():
    token = access.link_issue(actor=system("notify"), waybill=WAYBILL, scopes=frozenset({"view", "act"}))
    assert access.principal_of_link(token).scopes == {"view", "act"}


def test_tokens_are_short_unguessable_and_not_kept():
    tokens = {access.link_issue(actor=system("notify"), waybill=WAYBILL) for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {16}
    with connection.cursor() as cursor:
        for table in ("access_signedlink", "access_auditentry"):
            cursor.execute(f"SELECT string_agg({table}::text, ' ') FROM {table}")
            (everything,) = cursor.fetchone()
            assert not [token for token in tokens if token in everything]


@pytest.mark.parametrize("token", ["", "x", "a" * 16, "a" * 65, "链接", "\ud800", "' OR 1=1 --"])
def test_unknown_tokens_open_nothing(token):
    access.link_issue(actor=system("notify"), waybill=WAYBILL)
    with pytest.raises(NotFound, match="链接无效或已过期"):
        access.principal_of_link(token)


def test_expired_and_revoked_links_give_the_same_answer_as_unknown_ones():
    expired = access.link_issue(actor=system("notify"), waybill=WAYBILL, days=1)
    revoked = access.link_issue(actor=system("notify"), waybill=WAYBILL, days=30)
    access.link_revoke(actor=make.staff("service"), link_id=SignedLink.objects.first().pk)
    answers = set()
    with travel(clock.now() + timedelta(days=1, seconds=1)):
        for token in (expired, revoked, "a" * 16):
            with pytest.raises(NotFound) as refused:
                access.principal_of_link(token)
            answers.add((refused.value.error_code, refused.value.message))
    assert len(answers) == 1


def test_a_link_works_until_its_last_minute():
    token = access.link_issue(actor=system("notify"), waybill=WAYBILL, days=1)
    with travel(clock.now() + timedelta(hours=23, minutes=59)):
        assert access.principal_of_link(token).waybill == WAYBILL


def test_the_issuer_sees_links_with_their_state_but_not_their_tokens():
    service = make.staff("service")
    token = access.link_issue(actor=service, waybill=WAYBILL)
    access.link_issue(actor=service, waybill="ZT0000000000000")
    access.principal_of_link(token)
    (link,) = access.links_of(actor=service, waybill=WAYBILL)
    assert (link.issued_by, link.open, link.scopes) == (service.name, True, ("view",))
    assert link.last_used_at is not None
    access.link_revoke(actor=service, link_id=link.id)
    (link,) = access.links_of(actor=service, waybill=WAYBILL)
    assert not link.open


@pytest.mark.parametrize("role", ["warehouse", "driver", "finance"])
def test_who_may_not_issue_links_may_not_list_or_revoke_them_either(role):
    token = access.link_issue(actor=system("notify"), waybill=WAYBILL)
    actor = make.staff(role)
    for attempt in (
        lambda: access.link_issue(actor=actor, waybill=WAYBILL),
        lambda: access.links_of(actor=actor, waybill=WAYBILL),
        lambda: access.link_revoke(actor=actor, link_id=SignedLink.objects.get().pk),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert access.principal_of_link(token)
    assert not AuditEntry.objects.filter(actor=actor.name).exists()


def test_the_holder_of_a_link_cannot_pass_on_another():
    holder = access.principal_of_link(access.link_issue(actor=system("notify"), waybill=WAYBILL))
    with pytest.raises(Forbidden):
        access.link_issue(actor=holder, waybill=WAYBILL)


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": 367}, {"scopes": frozenset()}, {"scopes": frozenset({"root"})}]
)
def test_wrong_links_are_refused(wrong):
    with pytest.raises(Invalid):
        access.link_issue(actor=system("notify"), waybill=WAYBILL, **wrong)
    assert not SignedLink.objects.exists()


def test_who_knew_the_phone_tail_may_view_that_shipment_only():
    knower = access.tail_principal(WAYBILL)
    assert (knower.kind, knower.waybill, knower.rights) == (
        Kind.LINK,
        WAYBILL,
        {Right.TRACK_EXACT, Right.TALK},
    )


def test_many_links_are_one_entry_in_the_record_that_says_which():
    service = make.staff("service")
    waybills = [f"ZT000000000{number:04d}" for number in range(40)]
    with CaptureQueriesContext(connection) as few:
        access.links_issue(actor=service, waybills=waybills[:2], days=60)
    with CaptureQueriesContext(connection) as many:
        tokens = access.links_issue(actor=service, waybills=waybills, days=60)
    assert len(many) == len(few)
    assert [access.principal_of_link(tokens[waybill]).waybill for waybill in waybills] == waybills
    links = SignedLink.objects.filter(waybill__in=waybills).order_by("-id")[:40]
    assert {link.issued_by for link in links} == {service.name}
    entry = AuditEntry.objects.filter(action="links.issue").latest("id")
    assert (entry.subject, entry.actor) == ("links", service.name)
    assert entry.detail == {
        "links": 40,
        "first": links[39].pk,
        "last": links[0].pk,
        "scopes": ["view"],
        "days": 60,
    }
    assert not AuditEntry.objects.filter(action="link.issue").exists()


def test_no_links_are_no_entry_and_wrong_ones_are_refused_before_anything_is_written():
    assert access.links_issue(actor=system("journey"), waybills=[]) == {}
    with pytest.raises(Invalid):
        access.links_issue(actor=system("journey"), waybills=[WAYBILL], days=367)
    with pytest.raises(Forbidden):
        access.links_issue(actor=make.staff("driver"), waybills=[WAYBILL])
    assert not SignedLink.objects.exists()
    assert not AuditEntry.objects.exists()
