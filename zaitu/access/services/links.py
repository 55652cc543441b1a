"""Signed links: a random token opens one shipment until it expires or is revoked."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import transaction

from zaitu.access.domain.rights import LINK_SCOPES, rights_of_link
from zaitu.access.domain.tokens import token_hash
from zaitu.access.models import SignedLink
from zaitu.access.services.audit import audit
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.principal import Kind, Principal

_TOKEN_BYTES: Final = 12
"""96 random bits in 16 characters: short enough for a text message, too many to try."""
_TOKEN_MAX: Final = 64
_DAYS_MAX: Final = 366
_AT_ONCE: Final = 1_000
"""Links in one statement."""
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


@transaction.atomic
def link_issue(*, actor: Principal, waybill: str, scopes: frozenset[str], days: int) -> str:
    """The token; only its hash stays."""
    _checked(scopes, days)
    token, link = _link(actor, waybill, scopes, days)
    link.save(force_insert=True)
    audit(
        actor=actor,
        action="link.issue",
        subject=waybill,
        detail={"link": link.pk, "scopes": link.scopes, "days": days},
    )
    return token


@transaction.atomic
def links_issue(
    *, actor: Principal, waybills: Collection[str], scopes: frozenset[str], days: int
) -> dict[str, str]:
    """Token by waybill. One entry in the record says how many and which; each link keeps who issued it and when."""
    _checked(scopes, days)
    made = {waybill: _link(actor, waybill, scopes, days) for waybill in waybills}
    if not made:
        return {}
    links = SignedLink.objects.bulk_create([link for _, link in made.values()], batch_size=_AT_ONCE)
    ids = [link.pk for link in links]
    detail = {"links": len(ids), "first": min(ids), "last": max(ids), "scopes": sorted(scopes), "days": days}
    audit(actor=actor, action="links.issue", subject="links", detail=detail)
    return {waybill: token for waybill, (token, _) in made.items()}


def _checked(scopes: frozenset[str], days: int) -> None:
    if not scopes or not scopes <= set(LINK_SCOPES):
        raise Invalid("链接权限有误", fields={"scopes": "只能是查看或操作"})
    if not 1 <= days <= _DAYS_MAX:
        raise Invalid("链接有效期有误", fields={"days": f"1–{_DAYS_MAX} 天"})


def _link(actor: Principal, waybill: str, scopes: frozenset[str], days: int) -> tuple[str, SignedLink]:
    """A new token and its row, not stored yet."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    now = clock.now()
    return token, SignedLink(
        token_hash=token_hash(token),
        waybill=waybill,
        scopes=sorted(scopes),
        issued_by=actor.name[:80],
        issued_at=now,
        expires_at=now + timedelta(days=days),
    )


@transaction.atomic
def link_revoke(*, actor: Principal, link_id: int) -> None:
    """The link opens nothing any more. Revoking twice changes nothing."""
    link = SignedLink.objects.select_for_update().filter(pk=link_id).first()
    if link is None:
        raise NotFound("没有这个链接")
    if link.revoked_at is None:
        link.revoked_at = clock.now()
        link.save(update_fields=["revoked_at"])
        audit(actor=actor, action="link.revoke", subject=link.waybill, detail={"link": link.pk})


def link_open(token: str) -> Principal:
    """Who holds this token; the same NotFound for unknown, expired and revoked ones."""
    now = clock.now()
    link = None
    if 0 < len(token) <= _TOKEN_MAX:
        link = SignedLink.objects.filter(
            token_hash=token_hash(token), revoked_at=None, expires_at__gt=now
        ).first()
    if link is None:
        raise NotFound("链接无效或已过期")
    if link.last_used_at is None or link.last_used_at < now - _USE_NOTED_EVERY:
        SignedLink.objects.filter(pk=link.pk).update(last_used_at=now)
    return Principal(
        kind=Kind.LINK,
        name=f"link:{link.pk}",
        rights=rights_of_link(link.scopes),
        waybill=link.waybill,
        scopes=frozenset(link.scopes),
    )
