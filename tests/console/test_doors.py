"""Every role against every page: the right opens it, and nothing else does."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.console import make
from zaitu.access.models import ApiKey, AuditEntry, SignedLink, User
from zaitu.access.public import RIGHTS, Role
from zaitu.console.navigation import GROUPS
from zaitu.console.urls import urlpatterns

pytestmark = pytest.mark.django_db
OPEN = {"sign-in", "sign-out", "live", "calls-live"}
"""Not behind the decorator: the gate itself, and the streams (test_fleet.py, test_calls.py)."""
PAGES = [pattern for pattern in urlpatterns if pattern.name not in OPEN]


def address(pattern, world):
    kwargs = world.kwargs(set(pattern.pattern.converters))
    if pattern.name == "network-edit":
        kwargs = {"kind": "drivers", "code": world.driver}
    if pattern.name == "customer-edit":
        kwargs = {"code": world.customer}
    return reverse(f"console:{pattern.name}", kwargs=kwargs)


def asked(client, pattern, world, **more):
    """GET, or POST without any field where GET is not allowed."""
    answer = client.get(address(pattern, world), **more)
    return client.post(address(pattern, world), **more) if answer.status_code == 405 else answer


def test_every_page_says_who_may_open_it():
    assert not [pattern.name for pattern in PAGES if not hasattr(pattern.callback, "rights")]
    assert {pattern.name for pattern in urlpatterns} >= OPEN


@pytest.mark.parametrize("role", make.ROLES)
def test_a_role_opens_exactly_the_pages_of_its_rights(role):
    world, client = make.world(), make.signed_in(role)
    mine = RIGHTS[Role(role)]
    wrong = []
    for pattern in PAGES:
        rights = pattern.callback.rights
        allowed = not rights or any(right in mine for right in rights)
        status = asked(client, pattern, world).status_code
        if (status != 403) != allowed or status >= 500:
            wrong.append((pattern.name, status))
    assert wrong == []


@pytest.mark.parametrize("role", ["warehouse", "driver", "finance"])
def test_refused_posts_change_nothing(role):
    world, client = make.world(), make.signed_in(role)
    before = (
        AuditEntry.objects.count(),
        User.objects.count(),
        ApiKey.objects.count(),
        SignedLink.objects.count(),
    )
    mine = RIGHTS[Role(role)]
    for pattern in PAGES:
        if pattern.callback.rights and not any(right in mine for right in pattern.callback.rights):
            assert client.post(address(pattern, world), {"reason": "x", "do": "drop"}).status_code in {
                403,
                405,
            }
    after = (
        AuditEntry.objects.count(),
        User.objects.count(),
        ApiKey.objects.count(),
        SignedLink.objects.count(),
    )
    assert after == before
    assert ApiKey.objects.get().revoked_at is None


def test_who_is_not_signed_in_is_sent_to_the_gate_and_back():
    world, client = make.world(), Client()
    for pattern in PAGES:
        answer = asked(client, pattern, world)
        assert answer.status_code == 302, pattern.name
        assert answer["Location"].startswith("/console/sign-in?next=%2Fconsole%2F"), pattern.name
    assert client.get("/console/map/live").status_code == 401


def test_the_refusal_names_the_right_and_the_roles_that_have_it():
    answer = make.signed_in("warehouse").get("/console/users")
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "管理用户" in text
    assert "您的角色是仓库" in text
    assert "管理员" in text
    assert "users.manage" not in text


def test_htmx_is_refused_with_a_part_and_sent_to_the_gate_by_header():
    refused = make.signed_in("warehouse").get("/console/users", headers={"HX-Request": "true"})
    assert refused.status_code == 403
    assert "<html" not in refused.content.decode()
    gate = Client().get("/console/users", headers={"HX-Request": "true"})
    assert gate["HX-Redirect"].startswith("/console/sign-in")


@pytest.mark.parametrize("role", make.ROLES)
def test_the_navigation_shows_only_what_opens(role):
    client = make.signed_in(role)
    text = client.get("/console/").content.decode()
    for _title, items in GROUPS:
        for item in items:
            link = f'href="{reverse(item.view, kwargs=item.kwargs)}"'
            opens = item.right is None or item.right in RIGHTS[Role(role)]
            assert (f"<li><a {link}" in text) == opens, item.view
            assert not opens or client.get(reverse(item.view, kwargs=item.kwargs)).status_code == 200


def test_without_the_token_no_form_is_taken():
    world, client = make.world(), make.signed_in("administrator", enforce_csrf_checks=True)
    before = AuditEntry.objects.count()
    for pattern in PAGES:
        assert client.post(address(pattern, world), {"reason": "x"}).status_code == 403, pattern.name
    assert AuditEntry.objects.count() == before
    assert client.post("/console/sign-out").status_code == 403


def test_pages_are_never_kept_by_caches_and_allow_no_inline_script():
    answer = make.signed_in("manager").get("/console/")
    assert "no-store" in answer["Cache-Control"]
    policy = answer["Content-Security-Policy"]
    scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    assert "unsafe-inline" not in scripts
    assert "unsafe-eval" not in scripts.replace("wasm-unsafe-eval", "")


def test_a_person_switched_off_is_out_at_the_next_click():
    client = make.signed_in("service")
    assert client.get("/console/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/console/").status_code == 302


@pytest.mark.parametrize(
    "path",
    ["shipments/ZT0000000000000", "trips/T1", "network/planets", "users/nobody/edit", "audit/999999999"],
)
def test_what_is_not_there_is_told_inside_the_console(path):
    answer = make.signed_in("administrator").get(f"/console/{path}")
    assert answer.status_code == 404
    assert 'class="side no-print"' in answer.content.decode()
