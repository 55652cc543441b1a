"""The contract of access: who is this, what may they do, and the record of what they did."""

from collections.abc import Collection, Iterable

from django.http import HttpRequest

from zaitu.access import selectors
from zaitu.access.adapters.key_cache import CACHE
from zaitu.access.domain.rights import (
    CARRIER_SCOPES,
    KEY_SCOPES,
    LINK_SCOPES,
    PARTNER_NAME_MAX,
    PARTNER_SCOPES,
    RIGHTS,
    ROLE_NAMES,
    STAFF_ROLES,
    Role,
    rights_of_link,
)
from zaitu.access.domain.tokens import token_hash
from zaitu.access.domain.views import (
    AuditView,
    KeyView,
    LinkView,
    TeamView,
    UserDraft,
    UserView,
)
from zaitu.access.models import User
from zaitu.access.selectors import principal_of_user
from zaitu.access.services import audit as _audit
from zaitu.access.services import keys as _keys
from zaitu.access.services import links as _links
from zaitu.access.services import teams as _teams
from zaitu.access.services import users as _users
from zaitu.kernel.errors import Forbidden, NotAuthenticated
from zaitu.kernel.history import Change
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind, Principal, Right

__all__ = [
    "CARRIER_SCOPES",
    "KEY_SCOPES",
    "LINK_SCOPES",
    "PARTNER_NAME_MAX",
    "PARTNER_SCOPES",
    "RIGHTS",
    "ROLE_NAMES",
    "STAFF_ROLES",
    "AuditView",
    "Change",
    "KeyView",
    "LinkView",
    "Role",
    "TeamView",
    "UserDraft",
    "UserView",
    "audit",
    "audit_changes",
    "audit_list",
    "key_issue",
    "key_rate_per_min",
    "key_revoke",
    "keys_list",
    "link_issue",
    "link_revoke",
    "links_issue",
    "links_of",
    "partners_with_keys",
    "password_change",
    "principal_of_key",
    "principal_of_key_known",
    "principal_of_link",
    "principal_of_user",
    "request_principal",
    "sign_in",
    "staff_names",
    "stations_of",
    "tail_principal",
    "team_create",
    "team_get",
    "team_join",
    "team_leave",
    "team_members",
    "team_remove",
    "team_update",
    "teams_list",
    "teams_search",
    "user_create",
    "user_faults",
    "user_get",
    "user_update",
    "users_list",
]

audit = _audit.audit


# Who is this?


def request_principal(request: HttpRequest) -> Principal:
    """The signed-in user of a Django session; raises NotAuthenticated."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        raise NotAuthenticated("请先登录")
    return principal_of_user(user)


def sign_in(*, request: HttpRequest, username: str, password: str) -> Principal:
    """Check and start a session. Raises NotAuthenticated with the same words for whatever was wrong."""
    return principal_of_user(_users.sign_in(request=request, username=username, password=password))


def password_change(*, actor: Principal, request: HttpRequest, old: str, new: str) -> None:
    """One's own password; raises Invalid. The user's other sessions end."""
    _users.password_change(actor=actor, request=request, old=old, new=new)


def principal_of_key(raw: str) -> Principal:
    """Who holds this API key; raises NotAuthenticated. At most one query every five seconds per key and process."""
    return _keys.key_verify(raw).principal


def principal_of_key_known(raw: str) -> Principal | None:
    """The same from memory only: never touches the database, so async callers may ask first. None: call principal_of_key."""
    known = CACHE.get(token_hash(raw))
    return known.principal if known else None


def key_rate_per_min(raw: str) -> int:
    """Requests a minute this key may make; raises NotAuthenticated."""
    return _keys.key_verify(raw).rate_per_min


def principal_of_link(token: str) -> Principal:
    """Who holds this link; one NotFound for unknown, expired and revoked."""
    return _links.link_open(token)


def stations_of(*, actor: Principal) -> frozenset[str] | None:
    """Codes of the stations where this person scans: their own and their team's; None: at any. One query for those who are bound."""
    return selectors.stations_of(actor)


def tail_principal(waybill: str) -> Principal:
    """Somebody who knew the phone tail of a party to this shipment; the caller has checked it."""
    scopes = frozenset({"view"})
    return Principal(
        kind=Kind.LINK, name=f"tail:{waybill}", waybill=waybill, scopes=scopes, rights=rights_of_link(scopes)
    )


# Keys


def key_issue(
    *,
    actor: Principal,
    customer_code: str = "",
    partner: str = "",
    name: str,
    scopes: frozenset[str],
    rate_per_min: int = 600,
) -> tuple[KeyView, str]:
    """A new key of a customer (KEY_SCOPES) or a partner carrier (PARTNER_SCOPES); the second value is the key, shown this once.

    `partner`: the carrier's name as forwardings have it, 1–PARTNER_NAME_MAX characters. Raises Forbidden, Invalid.
    """
    actor.must(Right.KEYS_MANAGE)
    key, raw = _keys.key_issue(
        actor=actor,
        customer_code=customer_code,
        partner=partner,
        name=name,
        scopes=scopes,
        rate_per_min=rate_per_min,
    )
    return selectors.key_view(key), raw


def keys_list(*, actor: Principal, customer_code: str = "", page: int = 1) -> Page[KeyView]:
    actor.must(Right.KEYS_MANAGE)
    return selectors.keys(customer_code, page)


def partners_with_keys(*, actor: Principal) -> frozenset[str]:
    """Names of the partner carriers that hold a key in use. For staff only: raises Forbidden."""
    if actor.kind not in (Kind.STAFF, Kind.SYSTEM):
        raise Forbidden("只有员工可以查看合作方名称")
    return selectors.partners()


def key_revoke(*, actor: Principal, prefix: str) -> None:
    """Refused from now on, in other processes within five seconds."""
    actor.must(Right.KEYS_MANAGE)
    _keys.key_revoke(actor=actor, prefix=prefix)


# Links


def link_issue(
    *, actor: Principal, waybill: str, scopes: frozenset[str] = frozenset({"view"}), days: int = 30
) -> str:
    """The token of a link that opens this shipment; 1–366 days. Shown this once, only its hash is kept.

    The caller has checked that the shipment exists and is the actor's to share: shipments live in a higher room.
    """
    actor.must(Right.LINKS_ISSUE)
    return _links.link_issue(actor=actor, waybill=waybill, scopes=scopes, days=days)


def links_issue(
    *,
    actor: Principal,
    waybills: Collection[str],
    scopes: frozenset[str] = frozenset({"view"}),
    days: int = 30,
) -> dict[str, str]:
    """Tokens by waybill, as `link_issue` makes them one by one: for imports, with one entry in the record for all."""
    actor.must(Right.LINKS_ISSUE)
    return _links.links_issue(actor=actor, waybills=waybills, scopes=scopes, days=days)


def links_of(*, actor: Principal, waybill: str) -> tuple[LinkView, ...]:
    actor.must(Right.LINKS_ISSUE)
    return selectors.links(waybill)


def link_revoke(*, actor: Principal, link_id: int) -> None:
    actor.must(Right.LINKS_ISSUE)
    _links.link_revoke(actor=actor, link_id=link_id)


# Users and teams


def user_create(*, actor: Principal, draft: UserDraft) -> UserView:
    actor.must(Right.USERS_MANAGE)
    return selectors.user_view(_users.user_create(actor=actor, draft=draft))


def user_faults(draft: UserDraft) -> dict[str, str]:
    """What `user_create` and `user_update` would say of each field; an empty password is none of it."""
    return _users.user_faults(draft)


def user_update(*, actor: Principal, draft: UserDraft) -> UserView:
    """Set everything of the user named in the draft; an empty password stays. The last administrator stays one."""
    actor.must(Right.USERS_MANAGE)
    return selectors.user_view(_users.user_update(actor=actor, draft=draft))


def user_get(*, actor: Principal, username: str) -> UserView:
    """Oneself, or anybody for those who manage users."""
    if actor.kind is not Kind.STAFF or actor.name != username:
        actor.must(Right.USERS_MANAGE)
    return selectors.user_by_name(username)


def users_list(*, actor: Principal, text: str = "", page: int = 1) -> Page[UserView]:
    actor.must(Right.USERS_MANAGE)
    return selectors.users(text.strip(), page)


def staff_names(*, actor: Principal, usernames: Iterable[str]) -> dict[str, str]:
    """What colleagues are called, by user name; others (handlers, keys, links) are left out. For staff only."""
    if actor.kind not in (Kind.STAFF, Kind.SYSTEM):
        raise Forbidden("只有员工可以查看同事姓名")
    return selectors.names(usernames)


def teams_list(*, actor: Principal) -> tuple[TeamView, ...]:
    """All of them, by name. Raises Forbidden."""
    actor.must(Right.USERS_MANAGE)
    return selectors.teams()


def teams_search(*, actor: Principal, text: str = "", page: int = 1) -> Page[TeamView]:
    """By name, 50 a page; `text` is part of it. Raises Forbidden."""
    actor.must(Right.USERS_MANAGE)
    return selectors.teams_page(text.strip(), page)


def team_get(*, actor: Principal, team_id: int) -> TeamView:
    """Raises Forbidden, NotFound."""
    actor.must(Right.USERS_MANAGE)
    return selectors.team(team_id)


def team_members(*, actor: Principal, team_id: int, page: int = 1) -> Page[UserView]:
    """Who is in it, 50 a page, those switched off last. Raises Forbidden, NotFound."""
    actor.must(Right.USERS_MANAGE)
    return selectors.team_members(selectors.team(team_id).id, page)


def team_create(*, actor: Principal, name: str, station_code: str = "") -> TeamView:
    """A team that is new. Raises Forbidden, Invalid (1–60 characters), Conflict (one has the name)."""
    actor.must(Right.USERS_MANAGE)
    return selectors.team(_teams.team_create(actor=actor, name=name, station_code=station_code).pk)


def team_update(*, actor: Principal, team_id: int, name: str, station_code: str = "") -> TeamView:
    """Rename a team or move it to another station. Raises Forbidden, Invalid, NotFound, Conflict (another has the name)."""
    actor.must(Right.USERS_MANAGE)
    _teams.team_update(actor=actor, team_id=team_id, name=name, station_code=station_code)
    return selectors.team(team_id)


def team_join(*, actor: Principal, team_id: int, username: str) -> None:
    """Put a user into a team; they leave the one they were in. Raises Forbidden, NotFound (team), Invalid (user)."""
    actor.must(Right.USERS_MANAGE)
    _teams.team_join(actor=actor, team_id=team_id, username=username)


def team_leave(*, actor: Principal, team_id: int, username: str) -> None:
    """Take a user out of a team. Raises Forbidden, NotFound."""
    actor.must(Right.USERS_MANAGE)
    _teams.team_leave(actor=actor, team_id=team_id, username=username)


def team_remove(*, actor: Principal, team_id: int) -> None:
    """Remove an empty team. Raises Forbidden, NotFound, RuleBroken while somebody is in it."""
    actor.must(Right.USERS_MANAGE)
    _teams.team_remove(actor=actor, team_id=team_id)


# Audit


def audit_list(
    *, actor: Principal, subject: str = "", by: str = "", action: str = "", page: int = 1
) -> Page[AuditView]:
    """Newest first, 50 a page. `subject` and `by` are exact, `action` is the beginning of it (`personal.`)."""
    actor.must(Right.AUDIT_READ)
    return selectors.audit_entries(subject, by, action, page)


def audit_changes(*, actor: Principal, entry_id: int) -> tuple[Change, ...]:
    """Before and after of the tracked rows changed in the transaction of that audit row."""
    actor.must(Right.AUDIT_READ)
    return selectors.audit_changes(entry_id)
