"""Who may send positions: terminals let in by an administrator, and the codes and tokens they prove it with."""

import hashlib
import re
import secrets
from typing import Final

from django.db import transaction

from zaitu.access import public as access
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal
from zaitu.network import public as network
from zaitu.telemetry.models import Terminal, UnknownTerminal
from zaitu.telemetry.selectors import terminal_get

KINDS: Final = ("jt808", "osmand")
_NUMBER: Final = re.compile(r"[0-9a-f]{1,20}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,20}")


def secret_hash(secret: str) -> str:
    """Codes and tokens are long and random, so a plain SHA-256 keeps them."""
    return hashlib.sha256(secret.encode()).hexdigest()


def terminal_normal(terminal: str, kind: str) -> str:
    """As terminals are known: leading zeros stripped from a JT/T 808 number. Raises Invalid."""
    text = terminal.strip()
    if kind == "jt808":
        text = text.lower().lstrip("0")
    if not (_NUMBER if kind == "jt808" else _NAME).fullmatch(text):
        raise Invalid(
            "终端号须为 1–20 位数字" if kind == "jt808" else "设备号须为 1–20 位字母或数字",
            fields={"terminal": "终端号不对"},
        )
    return text


@transaction.atomic
def terminal_create(*, actor: Principal, terminal: str, kind: str, plate: str) -> str | None:
    """Let a device in and put it into a vehicle; a phone's token, shown this once. Raises Invalid, NotFound, Conflict."""
    if kind not in KINDS:
        raise Invalid("设备类型须为 jt808 或 osmand", fields={"kind": "不认识的类型"})
    number = terminal_normal(terminal, kind)
    token = secrets.token_urlsafe(24) if kind == "osmand" else None
    now = clock.now()
    _row, created = Terminal.objects.get_or_create(
        terminal=number,
        defaults={
            "kind": kind,
            "plate": plate,
            "token_hash": secret_hash(token) if token else None,
            "adopted_at": now,
        },
    )
    if not created:
        raise Conflict(f"终端 {number} 已经接入")
    UnknownTerminal.objects.filter(terminal=number).delete()
    network.terminal_bind(actor=actor, terminal=number, plate=plate, from_at=now)
    access.audit(actor=actor, action="terminal.create", subject=number, detail={"kind": kind, "plate": plate})
    return token


@transaction.atomic
def terminal_reset(*, actor: Principal, terminal: str) -> None:
    """Forget a terminal's registration, so that another device with this number may register. Raises NotFound."""
    row = terminal_get(terminal)
    row.auth_code_hash, row.device_id, row.registered_at = "", "", None
    row.save(update_fields=["auth_code_hash", "device_id", "registered_at"])
    access.audit(actor=actor, action="terminal.reset", subject=terminal)
