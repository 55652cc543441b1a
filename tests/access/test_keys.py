"""API keys: shown once, checked cheaply, refused at once when revoked."""

from datetime import timedelta

import pytest
from django.db import connection
from time_machine import travel

from tests.access import make
from zaitu.access import public as access
from zaitu.access.adapters.key_cache import CACHE, TTL_S, KeyCache, VerifiedKey
from zaitu.access.models import ApiKey, AuditEntry
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotAuthenticated, NotFound
from zaitu.kernel.principal import Kind, Right, anyone

pytestmark = pytest.mark.django_db
NOT_ADMINISTRATORS = ["service", "dispatch", "warehouse", "driver", "finance", "manager"]


@pytest.fixture(autouse=True)
def _fresh_cache():
    CACHE._rows.clear()


def issue(scopes=("track",), customer_code="ACME", **more):
    return access.key_issue(
        actor=make.staff("administrator"),
        customer_code=customer_code,
        name="ERP",
        scopes=frozenset(scopes),
        **more,
    )


def test_a_key_opens_its_customer_with_the_rights_of_its_scopes():
    view, raw = issue(scopes=("track", "labels"))
    principal = access.principal_of_key(raw)
    assert (principal.kind, principal.name, principal.customer_code) == (
        Kind.CUSTOMER_KEY,
        view.prefix,
        "ACME",
    )
    assert principal.rights == {Right.SHIPMENTS_READ, Right.TRACK_EXACT, Right.LABELS_PRINT}


def test_the_key_itself_is_nowhere_in_the_database():
    _, raw = issue()
    row = ApiKey.objects.get()
    secret = raw.removeprefix(f"zk_{row.prefix}_")
    assert raw.startswith(f"zk_{row.prefix}_")
    with connection.cursor() as cursor:
        for table in ("access_apikey", "access_apikeyversion", "access_auditentry"):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {table}::text LIKE %s", [f"%{secret}%"])
            assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "zk",
        "zk__",
        "zk_short_x",
        "zk_abcdefgh_",
        "xx_abcdefgh_secret",
        "zk_abcdefgh_wrong",
        "钥匙",
        "zk_" + "a" * 500,
        "\ud800",
    ],
)
def test_what_is_no_key_is_refused(raw):
    issue()
    with pytest.raises(NotAuthenticated, match="密钥无效"):
        access.principal_of_key(raw)


def test_the_right_prefix_with_another_secret_is_refused():
    view, raw = issue()
    with pytest.raises(NotAuthenticated):
        access.principal_of_key(f"zk_{view.prefix}_{raw.rpartition('_')[2][::-1]}")


def test_a_known_key_asks_the_database_nothing(django_assert_num_queries):
    _, raw = issue()
    assert access.principal_of_key_known(raw) is None
    first = access.principal_of_key(raw)
    with django_assert_num_queries(0):
        assert access.principal_of_key(raw) == first
        assert access.principal_of_key_known(raw) == first
        assert access.key_rate_per_min(raw) == 600


def test_a_revoked_key_is_refused_at_once_in_this_process(django_capture_on_commit_callbacks):
    view, raw = issue()
    access.principal_of_key(raw)
    with django_capture_on_commit_callbacks(execute=True):
        access.key_revoke(actor=make.staff("administrator"), prefix=view.prefix)
    with pytest.raises(NotAuthenticated):
        access.principal_of_key(raw)
    assert ApiKey.objects.get().revoked_at is not None


def test_another_process_believes_a_revoked_key_for_five_seconds_at_most():
    now = [100.0]
    cache = KeyCache(monotonic=lambda: now[0])
    cache.put("hash", VerifiedKey(principal=anyone(), rate_per_min=1))
    now[0] += TTL_S - 0.01
    assert cache.get("hash") is not None
    now[0] += 0.01
    assert cache.get("hash") is None
    assert TTL_S <= 5


def test_revoking_twice_is_one_fact():
    view, _ = issue()
    administrator = make.staff("administrator")
    access.key_revoke(actor=administrator, prefix=view.prefix)
    first = ApiKey.objects.get().revoked_at
    access.key_revoke(actor=administrator, prefix=view.prefix)
    assert ApiKey.objects.get().revoked_at == first
    assert AuditEntry.objects.filter(action="key.revoke").count() == 1


def test_use_is_noted_at_most_once_a_minute():
    _, raw = issue()
    start = clock.now().replace(microsecond=0)
    noted = []
    for second in (0, 30, 90):
        CACHE._rows.clear()
        with travel(start + timedelta(seconds=second), tick=False):
            access.principal_of_key(raw)
        noted.append((ApiKey.objects.get().last_used_at - start).total_seconds())
    assert noted == [0, 0, 90]


@pytest.mark.parametrize("role", NOT_ADMINISTRATORS)
def test_only_administrators_manage_keys(role):
    view, _ = issue()
    before = AuditEntry.objects.count()
    actor = make.staff(role)
    with pytest.raises(Forbidden):
        access.key_issue(actor=actor, customer_code="ACME", name="x", scopes=frozenset({"track"}))
    with pytest.raises(Forbidden):
        access.keys_list(actor=actor)
    with pytest.raises(Forbidden):
        access.key_revoke(actor=actor, prefix=view.prefix)
    assert ApiKey.objects.get().revoked_at is None
    assert AuditEntry.objects.count() == before


def test_a_customers_key_cannot_make_itself_another():
    with pytest.raises(Forbidden):
        access.key_issue(
            actor=make.key_of("ACME", *(set(Right) - {Right.KEYS_MANAGE})),
            customer_code="ACME",
            name="x",
            scopes=frozenset({"orders"}),
        )


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("customer_code", {"customer_code": " "}),
        ("name", {"name": ""}),
        ("name", {"name": "长" * 61}),
        ("scopes", {"scopes": frozenset()}),
        ("scopes", {"scopes": frozenset({"everything"})}),
        ("rate_per_min", {"rate_per_min": 0}),
    ],
)
def test_a_wrong_draft_is_refused_at_its_field(field, wrong):
    draft = {"customer_code": "ACME", "name": "ERP", "scopes": frozenset({"track"})} | wrong
    with pytest.raises(Invalid) as refused:
        access.key_issue(actor=make.staff("administrator"), **draft)
    assert set(refused.value.fields) == {field}
    assert not ApiKey.objects.exists()


def test_the_list_shows_prefixes_by_customer():
    mine, _ = issue()
    issue(customer_code="OTHER")
    page = access.keys_list(actor=make.staff("administrator"), customer_code="ACME")
    assert [row.prefix for row in page.rows] == [mine.prefix]
    assert page.total == 1


def test_revoking_what_is_not_there_says_so():
    with pytest.raises(NotFound):
        access.key_revoke(actor=make.staff("administrator"), prefix="nothing1")


def test_a_partner_s_key_tells_for_that_partner_and_has_no_customer():
    view, raw = issue(scopes=("partner_events",), customer_code="", partner="顺丰速运")
    principal = access.principal_of_key(raw)
    assert (principal.kind, principal.partner, principal.customer_code) == (
        Kind.PARTNER_KEY,
        "顺丰速运",
        None,
    )
    assert principal.rights == {Right.PARTNER_EVENTS}
    assert view.partner == "顺丰速运"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": ("partner_events",)}, "scopes"),
        ({"scopes": ("track",), "customer_code": "", "partner": "顺丰"}, "scopes"),
        ({"scopes": ("track", "partner_events")}, "scopes"),
        ({"partner": "顺丰", "scopes": ("partner_events",)}, "partner"),
        ({"customer_code": "", "partner": "顺" * 33, "scopes": ("partner_events",)}, "partner"),
        ({"customer_code": "", "partner": " "}, "customer_code"),
    ],
)
def test_a_key_is_a_customer_s_or_a_partner_s_and_has_the_scopes_of_its_kind(fields, field):
    with pytest.raises(Invalid) as refused:
        issue(**fields)
    assert set(refused.value.fields) == {field}
    assert not ApiKey.objects.exists()
