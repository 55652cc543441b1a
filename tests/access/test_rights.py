"""Every role against every right, in one table."""

import pytest

from zaitu.access.domain.rights import (
    rights_of_key,
    rights_of_link,
    rights_of_partner_key,
    rights_of_roles,
    stays_at_station,
)
from zaitu.access.public import KEY_SCOPES, LINK_SCOPES, PARTNER_SCOPES, RIGHTS, ROLE_NAMES, STAFF_ROLES, Role
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.principal import Kind, Principal, Right, anyone, system

TABLE = """
                    service dispatch warehouse driver finance manager administrator customer partner link
company.edit           .       .         .        .      .       .          x           .       .      .
users.manage           .       .         .        .      .       .          x           .       .      .
keys.manage            .       .         .        .      .       .          x           .       .      .
links.issue            x       x         .        .      .       x          x           .       .      .
audit.read             .       .         .        .      .       x          x           .       .      .
personal.read          x       x         .        .      .       x          x           .       .      .
personal.carried       .       .         .        x      .       .          x           .       .      .
network.read           x       x         x        x      x       x          x           .       .      .
network.edit           .       x         .        .      .       x          x           .       .      .
customers.read         x       x         .        .      x       x          x           .       .      .
customers.edit         x       .         .        .      .       x          x           .       .      .
terminals.manage       .       .         .        .      .       .          x           .       .      .
commands.tell          .       x         .        .      .       .          x           .       .      .
commands.manage        .       .         .        .      .       .          x           .       .      .
gateway.read           .       .         .        .      .       x          x           .       .      .
positions.read         x       x         .        .      .       x          x           .       .      .
orders.create          x       x         .        .      .       x          x           x       .      .
shipments.read         x       x         x        x      x       x          x           x       .      .
shipments.correct      .       x         .        .      .       x          x           .       .      .
trips.plan             .       x         .        .      .       x          x           .       .      .
scan.warehouse         .       .         x        .      .       x          x           .       .      .
scan.road              .       .         x        x      .       x          x           .       .      .
problem.report         x       x         x        x      .       x          x           .       .      x
labels.print           x       x         x        .      .       x          x           x       .      .
webhooks.manage        .       .         .        .      .       .          x           x       .      .
robots.manage          .       .         .        .      .       .          x           .       .      .
messages.read          x       x         .        .      .       x          x           .       .      .
templates.edit         .       .         .        .      .       x          x           .       .      .
track.exact            x       x         .        .      .       x          x           x       .      x
calls.answer           .       .         .        .      .       .          x           .       x      .
calls.read             x       .         .        .      .       x          x           .       .      .
partner.events         .       .         .        .      .       .          x           .       x      .
talk                   .       .         .        .      .       .          x           .       .      x
desk.read              x       x         .        .      .       x          x           .       .      .
desk.answer            x       .         .        .      .       x          x           .       .      .
epcis.capture          .       .         .        .      .       .          x           x       x      .
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [(role, line[0], mark == "x") for line in LINES for role, mark in zip(HEAD, line[1:], strict=True)]


def test_the_table_names_every_role_and_every_right():
    assert [role.value for role in Role] == HEAD
    assert [line[0] for line in LINES] == [right.value for right in Right]
    assert set(RIGHTS) == set(ROLE_NAMES) == set(Role)


@pytest.mark.parametrize(("role", "right", "allowed"), CELLS)
def test_a_role_has_exactly_the_rights_of_the_table(role, right, allowed):
    principal = Principal(kind=Kind.STAFF, name="li", rights=RIGHTS[Role(role)])
    if allowed:
        principal.must(Right(right))
    else:
        with pytest.raises(Forbidden, match=right):
            principal.must(Right(right))


def test_several_roles_add_up():
    both = rights_of_roles(["warehouse", "finance"])
    assert both == RIGHTS[Role.WAREHOUSE] | RIGHTS[Role.FINANCE]


@pytest.mark.parametrize("code", ["customer", "partner", "link", "root", ""])
def test_a_user_gets_nothing_from_what_is_no_staff_role(code):
    assert code not in {role.value for role in STAFF_ROLES}
    assert rights_of_roles([code]) == frozenset()


@pytest.mark.parametrize("scope", KEY_SCOPES)
def test_a_key_scope_opens_rights_of_customers_only(scope):
    assert rights_of_key([scope])
    assert rights_of_key([scope]) <= RIGHTS[Role.CUSTOMER]


def test_all_key_scopes_together_are_the_customer_role():
    assert rights_of_key(KEY_SCOPES) == RIGHTS[Role.CUSTOMER]


def test_a_partner_s_key_tells_events_and_reads_nothing():
    told = {Right.PARTNER_EVENTS, Right.EPCIS_CAPTURE, Right.CALLS_ANSWER}
    assert rights_of_partner_key(PARTNER_SCOPES) == RIGHTS[Role.PARTNER] == told
    assert rights_of_partner_key(["partner_events"]) == {Right.PARTNER_EVENTS}
    assert rights_of_partner_key(["hotline"]) == {Right.CALLS_ANSWER}


def test_a_scope_of_the_same_name_opens_to_each_what_is_theirs():
    assert set(KEY_SCOPES) & set(PARTNER_SCOPES) == {"epcis"}
    assert rights_of_key(["epcis"]) == {Right.EPCIS_CAPTURE, Right.SHIPMENTS_READ}
    assert rights_of_partner_key(["epcis"]) == {Right.EPCIS_CAPTURE, Right.PARTNER_EVENTS}
    assert (
        rights_of_key(["partner_events"]) == rights_of_partner_key(set(KEY_SCOPES) - {"epcis"}) == frozenset()
    )


def test_a_link_that_may_only_be_viewed_cannot_act():
    assert rights_of_link(["view"]) == {Right.TRACK_EXACT, Right.TALK}
    assert rights_of_link(LINK_SCOPES) == RIGHTS[Role.LINK]


@pytest.mark.parametrize("opened", [rights_of_key(["admin"]), rights_of_link(["admin"]), rights_of_link([])])
def test_unknown_scopes_open_nothing(opened):
    assert opened == frozenset()


@pytest.mark.parametrize("right", Right)
def test_strangers_may_nothing_and_the_system_everything(right):
    assert system("test").can(right)
    assert not anyone().can(right)


@pytest.mark.parametrize(
    ("roles", "stays"),
    [
        ({"warehouse"}, True),
        ({"warehouse", "service"}, True),
        ({"warehouse", "driver"}, False),
        ({"warehouse", "manager"}, False),
        ({"driver"}, False),
        ({"administrator"}, False),
        ({"service"}, False),
        (set(), False),
    ],
)
def test_who_scans_only_as_warehouse_stays_at_their_station(roles, stays):
    assert stays_at_station(roles) is stays
