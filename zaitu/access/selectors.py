"""Reads of access: rows into views."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from zaitu.access.domain.rights import CARRIER_SCOPES, rights_of_roles, stays_at_station
from zaitu.access.domain.views import AuditView, KeyView, LinkView, TeamView, UserView
from zaitu.access.models import ApiKey, AuditEntry, SignedLink, Team, User
from zaitu.kernel import clock
from zaitu.kernel.errors import NotFound
from zaitu.kernel.history import Change, changes_of
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind, Principal

PAGE_SIZE: Final = 50
_SAME_TIME: Final = timedelta(minutes=10)
"""Transaction numbers begin anew after a restore; versions this far from the audit row are another transaction's."""


def principal_of_user(user: User) -> Principal:
    return Principal(
        kind=Kind.STAFF,
        name=user.username,
        user_id=user.pk,
        rights=rights_of_roles(user.roles),
        roles=frozenset(user.roles),
    )


def stations_of(actor: Principal) -> frozenset[str] | None:
    if actor.kind is not Kind.STAFF or not stays_at_station(actor.roles):
        return None
    own = User.objects.filter(pk=actor.user_id or 0).values_list("station_code", "team__station_code").first()
    return frozenset(code for code in own or () if code)


def user_view(user: User) -> UserView:
    return UserView(
        id=user.pk,
        username=user.username,
        name=user.name,
        roles=tuple(user.roles),
        team=user.team.name if user.team else "",
        station_code=user.station_code,
        active=user.is_active,
        last_sign_in=user.last_login,
    )


def users(text: str, page: int) -> Page[UserView]:
    rows = User.objects.select_related("team").order_by("-is_active", "username")
    if text:
        rows = rows.filter(username__icontains=text) | rows.filter(name__icontains=text)
    return _page(rows, page, user_view)


def user_by_name(username: str) -> UserView:
    user = User.objects.select_related("team").filter(username=username).first()
    if user is None:
        raise NotFound("没有这个用户")
    return user_view(user)


def names(usernames: Iterable[str]) -> dict[str, str]:
    rows = User.objects.filter(username__in=set(usernames)).values_list("username", "name")
    return {username: name or username for username, name in rows}


def teams() -> tuple[TeamView, ...]:
    return tuple(_team_view(team) for team in _teams())


def teams_page(text: str, page: int) -> Page[TeamView]:
    rows = _teams()
    return _page(rows.filter(name__icontains=text) if text else rows, page, _team_view)


def team(team_id: int) -> TeamView:
    found = _teams().filter(pk=team_id).first()
    if found is None:
        raise NotFound("没有这个班组")
    return _team_view(found)


def team_members(team_id: int, page: int) -> Page[UserView]:
    rows = User.objects.select_related("team").filter(team_id=team_id).order_by("-is_active", "username")
    return _page(rows, page, user_view)


def _teams() -> QuerySet[Any]:
    # Counted apart from the page's rows: `total` then counts teams, not users.
    members = User.objects.filter(team=OuterRef("pk"), is_active=True).order_by().values("team")
    size = members.annotate(size=Count("pk")).values("size")
    return Team.objects.annotate(members=Coalesce(Subquery(size), 0))


def _team_view(row: Any) -> TeamView:
    return TeamView(id=row.pk, name=row.name, station_code=row.station_code, members=row.members)


def key_view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.pk,
        prefix=key.prefix,
        name=key.name,
        customer_code=key.customer_code,
        partner=key.partner,
        scopes=tuple(key.scopes),
        rate_per_min=key.rate_per_min,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )


def keys(customer_code: str, page: int) -> Page[KeyView]:
    rows = ApiKey.objects.all()
    return _page(rows.filter(customer_code=customer_code) if customer_code else rows, page, key_view)


def partners() -> frozenset[str]:
    held = ApiKey.objects.filter(revoked_at=None, scopes__overlap=sorted(CARRIER_SCOPES)).exclude(partner="")
    return frozenset(held.values_list("partner", flat=True))


def links(waybill: str) -> tuple[LinkView, ...]:
    now = clock.now()
    return tuple(
        LinkView(
            id=link.pk,
            waybill=link.waybill,
            scopes=tuple(link.scopes),
            issued_by=link.issued_by,
            issued_at=link.issued_at,
            expires_at=link.expires_at,
            last_used_at=link.last_used_at,
            revoked_at=link.revoked_at,
            open=link.revoked_at is None and link.expires_at > now,
        )
        for link in SignedLink.objects.filter(waybill=waybill)
    )


def audit_entries(subject: str, by: str, action: str, page: int) -> Page[AuditView]:
    rows = AuditEntry.objects.all()
    if subject:
        rows = rows.filter(subject=subject)
    if by:
        rows = rows.filter(actor=by)
    if action:
        rows = rows.filter(action__startswith=action)
    return _page(rows, page, _audit_view)


def audit_changes(entry_id: int) -> tuple[Change, ...]:
    entry = AuditEntry.objects.filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("没有这条记录")
    return tuple(change for change in changes_of(entry.transaction) if abs(change.at - entry.at) < _SAME_TIME)


def _audit_view(entry: AuditEntry) -> AuditView:
    return AuditView(
        id=entry.pk,
        at=entry.at,
        kind=entry.kind,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        detail=entry.detail,
    )


def _page(rows: QuerySet[Any], page: int, view: Any) -> Page[Any]:
    number = max(1, page)
    start = (number - 1) * PAGE_SIZE
    return Page(
        rows=tuple(view(row) for row in rows[start : start + PAGE_SIZE]),
        total=rows.count(),
        page=number,
        size=PAGE_SIZE,
    )
