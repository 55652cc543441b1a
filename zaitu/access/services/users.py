"""Users and teams."""

import re
from collections.abc import Iterable
from typing import Final

from django.contrib.auth import authenticate, login, update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from zaitu.access.domain.rights import STAFF_ROLES, Role
from zaitu.access.domain.views import UserDraft
from zaitu.access.models import Team, User
from zaitu.access.services.audit import audit
from zaitu.access.services.teams import NAME_MAX as TEAM_NAME_MAX
from zaitu.access.services.teams import STATION_MAX
from zaitu.kernel.errors import Invalid, NotAuthenticated, NotFound, RuleBroken
from zaitu.kernel.principal import Kind, Principal
from zaitu.kernel.words import shown

_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")


def user_create(*, actor: Principal, draft: UserDraft) -> User:
    username = draft.username.strip().lower()
    _check(draft, username)
    user = User(username=username, **_fields(draft))
    _password_set(user, draft.password)
    try:
        with transaction.atomic():
            user.team = _team(draft.team)
            user.save(force_insert=True)
            audit(actor=actor, action="user.create", subject=username, detail={"roles": sorted(draft.roles)})
    except IntegrityError as error:
        raise Invalid("该用户名已被使用", fields={"username": "该用户名已被使用"}) from error
    return user


@transaction.atomic
def user_update(*, actor: Principal, draft: UserDraft) -> User:
    """Set everything of the user named in the draft; raises NotFound, Invalid, RuleBroken for the last administrator."""
    username = draft.username.strip().lower()
    # All administrators are locked, in one order: two of them demoting each other at once must not both succeed.
    list(User.objects.filter(roles__contains=[Role.ADMINISTRATOR.value]).order_by("pk").select_for_update())
    user = (
        User.objects.select_for_update(of=("self",)).select_related("team").filter(username=username).first()
    )
    if user is None:
        raise NotFound("没有这个用户")
    _check(draft, username)
    _keep_an_administrator(user, draft)
    for name, value in _fields(draft).items():
        setattr(user, name, value)
    user.team = _team(draft.team)
    changed = ["name", "roles", "station_code", "is_active", "team"]
    if draft.password:
        _password_set(user, draft.password)
        changed.append("password")
    user.save(update_fields=changed)
    audit(
        actor=actor,
        action="user.update",
        subject=username,
        detail={"roles": sorted(draft.roles), "active": draft.active, "password": bool(draft.password)},
    )
    return user


def password_change(*, actor: Principal, request: HttpRequest, old: str, new: str) -> None:
    """Change one's own password; every other session of the user ends."""
    user = User.objects.filter(pk=actor.user_id or 0, is_active=True).first()
    if user is None or actor.kind is not Kind.STAFF:
        raise NotAuthenticated("请先登录")
    if not user.check_password(old):
        raise Invalid("当前密码不正确", fields={"old": "当前密码不正确"})
    _password_set(user, new, field="new")
    with transaction.atomic():
        user.save(update_fields=["password"])
        audit(actor=actor, action="user.password", subject=user.username)
    update_session_auth_hash(request, user)


def sign_in(*, request: HttpRequest, username: str, password: str) -> User:
    """Check and start a session. Raises NotAuthenticated with the same words for whatever was wrong.

    Counting and locking out is django-axes' (settings AXES_*): a locked-out attempt ends in its lockout page.
    """
    username = username.strip().lower()
    # PostgreSQL takes no NUL: such a name would be an error of ours.
    user = None if "\0" in username else authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise NotAuthenticated("用户名或密码不正确")
    login(request, user)
    audit(
        actor=Principal(kind=Kind.STAFF, name=user.username, user_id=user.pk),
        action="user.sign_in",
        subject=user.username,
    )
    return user


def user_faults(draft: UserDraft) -> dict[str, str]:
    """What is wrong with each field of a draft, its password included where it has one."""
    username = draft.username.strip().lower()
    wrong = _faults(draft, username)
    try:
        _password_checked(User(username=username, name=draft.name), draft.password)
    except Invalid as error:
        wrong |= error.fields
    return wrong


def _check(draft: UserDraft, username: str) -> None:
    wrong = _faults(draft, username)
    if wrong:
        raise Invalid("用户资料有误", fields=wrong)


def _faults(draft: UserDraft, username: str) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not _USERNAME.fullmatch(username):
        wrong["username"] = "用户名为 3–40 位小写字母、数字、点、横线"
    if not draft.roles:
        wrong["roles"] = "至少选择一个角色"
    elif not set(draft.roles) <= {role.value for role in STAFF_ROLES}:
        wrong["roles"] = "有不认识的角色"
    if len(draft.name.strip()) > 60:
        wrong["name"] = "姓名最多 60 个字"
    if len(shown(draft.team)) > TEAM_NAME_MAX:
        wrong["team"] = f"班组名称最多 {TEAM_NAME_MAX} 个字"
    if len(draft.station_code.strip()) > STATION_MAX:
        wrong["station_code"] = "没有这个站点"
    return wrong


def _fields(draft: UserDraft) -> dict[str, object]:
    return {
        "name": draft.name.strip(),
        "roles": _in_order(draft.roles),
        "station_code": draft.station_code.strip(),
        "is_active": draft.active,
    }


def _in_order(roles: Iterable[str]) -> list[str]:
    chosen = set(roles)
    return [role.value for role in Role if role.value in chosen]


def _password_set(user: User, password: str, *, field: str = "password") -> None:
    _password_checked(user, password, field=field)
    user.set_password(password or None)


def _password_checked(user: User, password: str, *, field: str = "password") -> None:
    if password:
        try:
            validate_password(password, user)
        except ValidationError as error:
            said = "，".join(_password_words(one) for one in error.error_list)
            raise Invalid("密码不合要求", fields={field: said}) from error


def _password_words(error: ValidationError) -> str:
    """Our own words: Django's Chinese for the length is out of date and falls back to English."""
    words = {
        "password_too_short": f"密码至少 {(error.params or {}).get('min_length', 10)} 位",
        "password_too_common": "这个密码太常见",
        "password_entirely_numeric": "密码不能全是数字",
    }
    return words.get(error.code or "", "") or " ".join(error.messages)


def _team(name: str) -> Team | None:
    name = shown(name)
    return Team.objects.get_or_create(name=name)[0] if name else None


def _keep_an_administrator(user: User, draft: UserDraft) -> None:
    stays = draft.active and Role.ADMINISTRATOR.value in draft.roles
    if stays or Role.ADMINISTRATOR.value not in user.roles or not user.is_active:
        return
    others = User.objects.filter(is_active=True, roles__contains=[Role.ADMINISTRATOR.value]).exclude(
        pk=user.pk
    )
    if not others.exists():
        raise RuleBroken("至少要有一位在用的管理员")
