"""One row per write and per read of personal data, in the transaction of what it tells."""

from typing import Any

from zaitu.access.models import AuditEntry
from zaitu.kernel.principal import Principal


def audit(*, actor: Principal, action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    """Record that `actor` did `action` (`room.verb`) to `subject` (a waybill, a code, `contact:12`).

    `detail` is JSON of references and field names; never names, phones, addresses or secrets.
    """
    AuditEntry.objects.create(
        kind=actor.kind.value,
        actor=actor.name[:80],
        user_id=actor.user_id,
        action=action,
        subject=subject[:100],
        detail=detail or {},
    )
