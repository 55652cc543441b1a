"""Users: made and changed by administrators, signing in with argon2 and a lockout."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from tests.access import make
from zaitu.access import public as access
from zaitu.access.models import AuditEntry, Team, User
from zaitu.access.public import UserDraft
from zaitu.kernel.errors import Forbidden, Invalid, NotAuthenticated, NotFound, RuleBroken
from zaitu.kernel.principal import Kind, Right, system

pytestmark = pytest.mark.django_db


def draft(**fields):
    return UserDraft(**{"username": "li.lei", "name": "李雷", "roles": frozenset({"service"})} | fields)


def test_a_new_user_can_sign_in_and_has_the_rights_of_the_roles():
    view = access.user_create(
        actor=system("init"),
        draft=draft(roles=frozenset({"warehouse", "service"}), password=make.PASSWORD, team="夜班"),
    )
    assert (view.username, view.roles, view.team) == ("li.lei", ("service", "warehouse"), "夜班")
    user = User.objects.get()
    assert user.password.startswith("argon2$argon2id$")
    principal = access.principal_of_user(user)
    assert (principal.kind, principal.name, principal.user_id) == (Kind.STAFF, "li.lei", user.pk)
    assert {Right.SCAN_WAREHOUSE, Right.ORDERS_CREATE} <= principal.rights


def test_user_names_are_one_person_whatever_the_case():
    access.user_create(actor=system("init"), draft=draft(username="Li.Lei"))
    with pytest.raises(Invalid) as refused:
        access.user_create(actor=system("init"), draft=draft(username="LI.LEI"))
    assert "username" in refused.value.fields
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("username", {"username": "ab"}),
        ("username", {"username": "李雷雷"}),
        ("username", {"username": "a b c"}),
        ("roles", {"roles": frozenset()}),
        ("roles", {"roles": frozenset({"customer"})}),
        ("roles", {"roles": frozenset({"link"})}),
        ("roles", {"roles": frozenset({"superuser"})}),
        ("name", {"name": "长" * 61}),
        ("password", {"password": "short"}),
        ("password", {"password": "1234567890"}),
        ("password", {"password": "password123"}),
    ],
)
def test_a_wrong_draft_is_refused_at_its_field(field, wrong):
    with pytest.raises(Invalid) as refused:
        access.user_create(actor=system("init"), draft=draft(**wrong))
    assert set(refused.value.fields) == {field}
    assert not any(letter.isascii() and letter.isalpha() for letter in refused.value.fields[field])
    assert not User.objects.exists()


@pytest.mark.parametrize("role", ["service", "dispatch", "warehouse", "driver", "finance", "manager"])
def test_only_administrators_manage_users_and_teams(role):
    other = make.user("finance")
    actor = make.staff(role)
    users, entries = User.objects.count(), AuditEntry.objects.count()
    for attempt in (
        lambda: access.user_create(actor=actor, draft=draft()),
        lambda: access.user_update(
            actor=actor, draft=draft(username=actor.name, roles=frozenset({"administrator"}))
        ),
        lambda: access.users_list(actor=actor),
        lambda: access.user_get(actor=actor, username=other.username),
        lambda: access.teams_list(actor=actor),
        lambda: access.teams_search(actor=actor),
        lambda: access.team_create(actor=actor, name="夜班"),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert (User.objects.count(), AuditEntry.objects.count(), Team.objects.count()) == (users, entries, 0)
    assert access.user_get(actor=actor, username=actor.name).roles == (role,)


def test_a_key_named_like_a_user_does_not_read_that_user():
    user = make.user("finance", username="k2345678")
    with pytest.raises(Forbidden):
        access.user_get(actor=make.key_of("ACME"), username=user.username)


def test_the_last_administrator_stays_one():
    administrator = make.user("administrator", username="boss")
    actor = access.principal_of_user(administrator)
    for change in ({"roles": frozenset({"manager"})}, {"active": False}):
        with pytest.raises(RuleBroken, match="管理员"):
            access.user_update(
                actor=actor,
                draft=draft(**{"username": "boss", "roles": frozenset({"administrator"})} | change),
            )
    assert User.objects.get().is_active
    make.user("administrator", username="second")
    view = access.user_update(actor=actor, draft=draft(username="boss", roles=frozenset({"manager"})))
    assert view.roles == ("manager",)


def test_an_update_without_a_password_leaves_it_as_it_is():
    user = make.user("service", username="li.lei")
    access.user_update(actor=make.staff("administrator"), draft=draft(name="李雷雷"))
    user.refresh_from_db()
    assert user.name == "李雷雷"
    assert user.check_password(make.PASSWORD)


def test_updating_nobody_says_so():
    with pytest.raises(NotFound):
        access.user_update(actor=system("x"), draft=draft(username="nobody"))


def test_people_are_found_by_user_name_and_by_name():
    make.user("service", username="li.lei", name="李雷")
    make.user("driver", username="han.mei", name="韩梅梅")
    administrator = make.staff("administrator")
    assert [row.username for row in access.users_list(actor=administrator, text="韩梅").rows] == ["han.mei"]
    assert [row.username for row in access.users_list(actor=administrator, text="LEI").rows] == ["li.lei"]
    assert access.users_list(actor=administrator).total == 3


def request_with_session():
    request = RequestFactory().post("/console/sign-in")
    request.session = Client().session
    request.user = AnonymousUser()
    return request


def test_signing_in_is_recorded_and_ignores_case_of_the_user_name():
    user = make.user("service", username="li.lei")
    request = request_with_session()
    assert access.sign_in(request=request, username=" Li.Lei ", password=make.PASSWORD).name == "li.lei"
    assert access.request_principal(request).user_id == user.pk
    assert AuditEntry.objects.get().action == "user.sign_in"


@pytest.mark.parametrize(
    ("username", "password"),
    [("li.lei", "wrong"), ("nobody", make.PASSWORD), ("gone", make.PASSWORD), ("li.\0lei", make.PASSWORD)],
)
def test_whatever_was_wrong_the_refusal_is_the_same(username, password):
    make.user("service", username="li.lei")
    make.user("service", username="gone", is_active=False)
    with pytest.raises(NotAuthenticated, match="用户名或密码不正确"):
        access.sign_in(request=request_with_session(), username=username, password=password)
    assert not AuditEntry.objects.exists()


def test_after_eight_wrong_passwords_the_right_one_is_refused_too(settings):
    make.user("service", username="li.lei")
    for _ in range(settings.AXES_FAILURE_LIMIT):
        with pytest.raises(NotAuthenticated):
            access.sign_in(request=request_with_session(), username="li.lei", password="wrong")
    with pytest.raises(NotAuthenticated):
        access.sign_in(request=request_with_session(), username="li.lei", password=make.PASSWORD)


def test_a_switched_off_user_is_nobody():
    request = request_with_session()
    request.user = make.user("service", is_active=False)
    with pytest.raises(NotAuthenticated):
        access.request_principal(request)


def test_changing_the_own_password_needs_the_old_one_and_a_good_new_one():
    user = make.user("service")
    actor, request = access.principal_of_user(user), request_with_session()
    request.user = user
    for old, new, field in (("wrong", "xin-de-mi-ma-99", "old"), (make.PASSWORD, "short", "new")):
        with pytest.raises(Invalid) as refused:
            access.password_change(actor=actor, request=request, old=old, new=new)
        assert set(refused.value.fields) == {field}
    access.password_change(actor=actor, request=request, old=make.PASSWORD, new="xin-de-mi-ma-99")
    user.refresh_from_db()
    assert user.check_password("xin-de-mi-ma-99")
    with pytest.raises(NotAuthenticated):
        access.password_change(actor=make.key_of("ACME"), request=request, old="a", new="b")
