"""What access shows of its rows, and the drafts it takes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDraft:
    username: str
    """3–40 of letters, digits, `.`, `_`, `-`; stored in lower case."""
    name: str = ""
    roles: frozenset[str] = frozenset()
    """Codes of staff roles; at least one."""
    team: str = ""
    """Name of a team; made when new. Empty: none."""
    station_code: str = ""
    password: str = ""
    """Empty on update: stays as it is. Empty on create: the user cannot sign in until one is set."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    id: int
    username: str
    name: str
    roles: tuple[str, ...]
    team: str
    station_code: str
    active: bool
    last_sign_in: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamView:
    id: int
    name: str
    station_code: str
    members: int
    """Those switched off are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    id: int
    prefix: str
    name: str
    customer_code: str
    partner: str
    """Set instead of the customer where the key is a partner carrier's."""
    scopes: tuple[str, ...]
    rate_per_min: int
    created_at: datetime
    last_used_at: datetime | None
    """Correct to the minute."""
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    id: int
    waybill: str
    scopes: tuple[str, ...]
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    """Correct to the minute."""
    revoked_at: datetime | None
    open: bool
    """Neither expired nor revoked at the time of reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    id: int
    at: datetime
    kind: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)
