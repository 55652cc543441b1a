"""Who may send positions: terminals let in by an administrator, and the codes and tokens they prove it with."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from django.db import transaction

from zaitu.access import public as access
from zaitu.kernel import clock, outbox
from zaitu.kernel.errors import Conflict, Invalid, NotFound
from zaitu.kernel.principal import Principal, system
from zaitu.network import public as network
from zaitu.telemetry.codecs.jt808.profiles import PROFILES, Profile, profile_for
from zaitu.telemetry.events import TerminalSeen
from zaitu.telemetry.models import Terminal, UnknownTerminal
from zaitu.telemetry.selectors import terminal_get

KINDS: Final = ("jt808", "elock", "osmand", "mqtt")
_NUMBER: Final = re.compile(r"[0-9a-f]{1,20}")
_NAME: Final = re.compile(r"[0-9a-z][0-9a-z._:-]{0,19}")
"""Sensors may have one instead of a number."""
_ZERO: Final = "终端号全是 0：设备里还没有写终端号，请先用厂家的工具写好再接入"
"""All devices fresh from the factory call themselves so: let one in, and any may speak for its vehicle."""
UNKNOWN_MAX: Final = 1_000
"""Strangers listed; the least recently seen go first."""


class Verdict(IntEnum):
    """Result of a registration, as 0x8100 says it."""

    REGISTERED = 0
    VEHICLE_TAKEN = 1
    NO_SUCH_VEHICLE = 2
    TERMINAL_TAKEN = 3
    NO_SUCH_TERMINAL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrant:
    """What a terminal says of itself in 0x0100."""

    terminal: str
    kind: str = "jt808"
    version: str = ""
    maker: str = ""
    model: str = ""
    device_id: str = ""
    plate: str = ""


def secret_hash(secret: str) -> str:
    """Codes and tokens are long and random, so a plain SHA-256 keeps them."""
    return hashlib.sha256(secret.encode()).hexdigest()


def terminal_normal(terminal: str, *, kind: str = "mqtt") -> str:
    """As terminals are known: in small letters, numbers without leading zeros. Raises Invalid."""
    text = terminal.strip().lower()
    if not _NUMBER.fullmatch(text):
        if kind == "mqtt" and _NAME.fullmatch(text):
            return text
        said = "传感器名须为 1–20 位字母、数字或 . _ : -" if kind == "mqtt" else "终端号须为 1–20 位数字"
        raise Invalid(said, fields={"terminal": said})
    if not text.strip("0"):
        raise Invalid(_ZERO, fields={"terminal": _ZERO})
    return text.lstrip("0")


@transaction.atomic
def terminal_create(
    *,
    actor: Principal,
    terminal: str,
    kind: str,
    plate: str,
    from_at: datetime | None = None,
    profile: str = "",
) -> str | None:
    """Let a device in and put it into a vehicle; a phone's token, shown this once. Raises Invalid, NotFound, Conflict."""
    if kind not in KINDS:
        raise Invalid("设备类型须为 jt808、elock、osmand 或 mqtt", fields={"kind": "不认识的类型"})
    _profile_check(profile)
    number = terminal_normal(terminal, kind=kind)
    token = secrets.token_urlsafe(24) if kind == "osmand" else None
    now = clock.now()
    _row, created = Terminal.objects.get_or_create(
        terminal=number,
        defaults={
            "kind": kind,
            "plate": plate,
            "token_hash": secret_hash(token) if token else None,
            "profile": profile,
            "adopted_at": now,
        },
    )
    if not created:
        raise Conflict(f"终端 {number} 已经接入")
    UnknownTerminal.objects.filter(terminal=number).delete()
    network.terminal_bind(actor=actor, terminal=number, plate=plate, from_at=from_at or now)
    access.audit(actor=actor, action="terminal.create", subject=number, detail={"kind": kind, "plate": plate})
    return token


def terminal_adopt(*, actor: Principal, terminal: str, plate: str, profile: str = "") -> None:
    """Let a device in as what it spoke as. Raises as `terminal_create`."""
    number = terminal_normal(terminal)
    heard = UnknownTerminal.objects.filter(terminal=number).first()
    terminal_create(
        actor=actor, terminal=number, kind=heard.kind if heard else "jt808", plate=plate, profile=profile
    )


def _profile_check(profile: str) -> None:
    if profile and profile not in PROFILES:
        known = "、".join(PROFILES)
        raise Invalid(f"没有设备方案 {profile[:20]}，可用：{known}", fields={"profile": f"可用：{known}"})


@transaction.atomic
def terminal_profile_set(*, actor: Principal, terminal: str, profile: str) -> None:
    """Say what its maker means; empty: by its model. Raises NotFound, Invalid."""
    _profile_check(profile)
    row = terminal_get(terminal_normal(terminal))
    row.profile = profile
    row.save(update_fields=["profile"])
    access.audit(actor=actor, action="terminal.profile", subject=row.terminal, detail={"profile": profile})


@transaction.atomic
def terminal_reset(*, actor: Principal, terminal: str) -> None:
    """Forget a terminal's registration, so that another device with this number may register. Raises NotFound."""
    row = terminal_get(terminal_normal(terminal))
    row.auth_code_hash, row.device_id, row.registered_at = "", "", None
    row.save(update_fields=["auth_code_hash", "device_id", "registered_at"])
    access.audit(actor=actor, action="terminal.reset", subject=row.terminal)


@transaction.atomic
def terminal_register(who: Registrant, *, now: datetime) -> tuple[Verdict, str]:
    """Answer 0x0100: (result, authorisation code when registered). The code before it is void then.

    The administrator has let the terminal in for a vehicle, so a plate set up wrongly in the device is only noted;
    it is refused when another registered terminal serves the vehicle of that plate.
    """
    row = Terminal.objects.select_for_update().filter(terminal=who.terminal, kind="jt808").first()
    if row is None:
        unknown_seen(who, now=now)
        return Verdict.NO_SUCH_TERMINAL, ""
    verdict = _verdict(row, who, now)
    row.version, row.maker, row.model = who.version, who.maker[:11], who.model[:30]
    row.reported_plate, row.last_seen_at = who.plate[:40], now
    code = ""
    if verdict is Verdict.REGISTERED:
        code = secrets.token_hex(8)
        row.auth_code_hash, row.device_id, row.registered_at = secret_hash(code), who.device_id[:30], now
    row.save()
    return verdict, code


def _verdict(row: Terminal, who: Registrant, now: datetime) -> Verdict:
    if row.auth_code_hash and row.device_id and row.device_id != who.device_id[:30]:
        return Verdict.TERMINAL_TAKEN
    here = [stay for stay in network.bindings_of([row.terminal]) if stay.holds(now)]
    if not here:
        return Verdict.NO_SUCH_VEHICLE
    if who.plate and who.plate != here[0].plate and _served(who.plate, now):
        return Verdict.VEHICLE_TAKEN
    return Verdict.REGISTERED


def _served(plate: str, now: datetime) -> bool:
    """A registered terminal sits in the vehicle of this plate."""
    try:
        vehicle = network.vehicle_get(actor=system("telemetry.register"), plate=plate)
    except (Invalid, NotFound):
        return False
    there = [stay.terminal for stay in network.bindings_of_vehicle(vehicle.id) if stay.holds(now)]
    return Terminal.objects.filter(terminal__in=there).exclude(auth_code_hash="").exists()


def terminals_authenticate(claims: Sequence[tuple[str, str]], *, now: datetime) -> list[Profile | None]:
    """By (terminal, code): the terminal's profile if 0x0102 carries the code that it was given; None: it does not.

    Strangers are noted. Two statements, and theirs.
    """
    rows = {
        terminal: (pk, code_hash, profile, model)
        for pk, terminal, code_hash, profile, model in Terminal.objects.filter(
            terminal__in={terminal for terminal, _ in claims}, kind="jt808"
        ).values_list("pk", "terminal", "auth_code_hash", "profile", "model")
    }
    right = [
        terminal in rows
        and bool(rows[terminal][1])
        and hmac.compare_digest(rows[terminal][1], secret_hash(code))
        for terminal, code in claims
    ]
    known = {rows[terminal][0] for (terminal, _), is_right in zip(claims, right, strict=True) if is_right}
    if known:
        Terminal.objects.filter(pk__in=known).update(last_seen_at=now)
    for stranger in {terminal for terminal, _ in claims} - rows.keys():
        unknown_seen(Registrant(terminal=stranger), now=now)
    return [
        profile_of(*rows[terminal][2:]) if is_right else None
        for (terminal, _), is_right in zip(claims, right, strict=True)
    ]


def profile_of(name: str, model: str) -> Profile:
    """As set, or by the model; also when a name is no longer known."""
    return PROFILES.get(name) or profile_for(model)


@transaction.atomic
def unknown_seen(who: Registrant, *, now: datetime) -> None:
    """List a stranger, or note that it came again; an event the first time."""
    row, created = UnknownTerminal.objects.select_for_update().get_or_create(
        terminal=who.terminal, defaults={"kind": who.kind, "first_seen_at": now, "last_seen_at": now}
    )
    row.kind, row.last_seen_at, row.attempts = who.kind, now, row.attempts + (not created)
    if who.version:
        row.version, row.maker, row.model = who.version, who.maker[:11], who.model[:30]
        row.device_id, row.reported_plate = who.device_id[:30], who.plate[:40]
    row.save()
    if created:
        oldest = UnknownTerminal.objects.order_by("-last_seen_at", "-id").values("id")[UNKNOWN_MAX:]
        UnknownTerminal.objects.filter(id__in=oldest).delete()
        outbox.put(TerminalSeen(terminal=who.terminal))


def terminals_heard(terminals: Collection[str], *, now: datetime) -> None:
    """These terminals gave a sign of life. One statement."""
    Terminal.objects.filter(terminal__in=terminals).update(last_seen_at=now)
