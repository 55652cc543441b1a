"""API keys: issue, verify, revoke."""

import hmac
import secrets
import string
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from zaitu.access.adapters.key_cache import CACHE, VerifiedKey
from zaitu.access.domain.rights import KEY_SCOPES, PARTNER_SCOPES, rights_of_key, rights_of_partner_key
from zaitu.access.domain.tokens import PREFIX_LENGTH, key_prefix, key_text, token_hash
from zaitu.access.models import ApiKey
from zaitu.access.services.audit import audit
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, NotAuthenticated, NotFound
from zaitu.kernel.principal import Kind, Principal
from zaitu.kernel.words import shown

_ALPHABET: Final = string.ascii_lowercase + string.digits
_NO_HASH: Final = "0" * 64
"""Compared against when the prefix is unknown, so that both refusals do the same work."""
PARTNER_MAX: Final = 32
"""With `partner:` before it, it is the source of the events it tells."""
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


@transaction.atomic
def key_issue(
    *,
    actor: Principal,
    customer_code: str,
    partner: str,
    name: str,
    scopes: frozenset[str],
    rate_per_min: int,
) -> tuple[ApiKey, str]:
    """The row and the key itself, which is shown this once and never again."""
    customer_code, partner = customer_code.strip(), shown(partner)
    wrong: dict[str, str] = {}
    if partner and customer_code:
        wrong["partner"] = "密钥只能属于客户或合作方之一"
    elif not partner and not customer_code:
        wrong["customer_code"] = "请选择客户"
    if len(partner) > PARTNER_MAX:
        wrong["partner"] = "合作方名称最多 32 个字"
    if not name.strip() or len(name.strip()) > 60:
        wrong["name"] = "请写明用途,最多 60 个字"
    if not scopes or not scopes <= set(PARTNER_SCOPES if partner else KEY_SCOPES):
        wrong["scopes"] = "请选择权限范围"
    if not 1 <= rate_per_min <= 60_000:
        wrong["rate_per_min"] = "每分钟 1–60000 次"
    if wrong:
        raise Invalid("密钥资料有误", fields=wrong)
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))
    raw = key_text(prefix, secrets.token_urlsafe(32))
    key = ApiKey.objects.create(
        prefix=prefix,
        hash=token_hash(raw),
        name=name.strip(),
        customer_code=customer_code,
        partner=partner,
        scopes=sorted(scopes),
        rate_per_min=rate_per_min,
    )
    audit(
        actor=actor,
        action="key.issue",
        subject=prefix,
        detail={"customer": key.customer_code, "partner": key.partner, "scopes": key.scopes},
    )
    return key, raw


@transaction.atomic
def key_revoke(*, actor: Principal, prefix: str) -> None:
    """From now on (in other processes within five seconds) the key is refused. Revoking twice changes nothing."""
    key = ApiKey.objects.select_for_update().filter(prefix=prefix).first()
    if key is None:
        raise NotFound("没有这个密钥")
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        audit(actor=actor, action="key.revoke", subject=prefix)
        key_hash = key.hash
        transaction.on_commit(lambda: CACHE.drop(key_hash))


def key_verify(raw: str) -> VerifiedKey:
    """Who holds this key. One query at most every five seconds per key; raises NotAuthenticated."""
    presented = token_hash(raw)
    known = CACHE.get(presented)
    if known is not None:
        return known
    prefix = key_prefix(raw)
    key = ApiKey.objects.filter(prefix=prefix).first() if prefix else None
    right = hmac.compare_digest(presented, key.hash if key else _NO_HASH)
    if key is None or not right or key.revoked_at is not None:
        raise NotAuthenticated("密钥无效")
    _note_use(key)
    verified = VerifiedKey(
        principal=_principal(key),
        rate_per_min=key.rate_per_min,
    )
    CACHE.put(presented, verified)
    return verified


def _principal(key: ApiKey) -> Principal:
    if key.partner:
        return Principal(
            kind=Kind.PARTNER_KEY,
            name=key.prefix,
            rights=rights_of_partner_key(key.scopes),
            partner=key.partner,
            scopes=frozenset(key.scopes),
        )
    return Principal(
        kind=Kind.CUSTOMER_KEY,
        name=key.prefix,
        rights=rights_of_key(key.scopes),
        customer_code=key.customer_code,
        scopes=frozenset(key.scopes),
    )


def _note_use(key: ApiKey) -> None:
    now = clock.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_NOTED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - _USE_NOTED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
