"""Teams: made, renamed, moved, joined, left and removed."""

from typing import Final

from django.db import IntegrityError, transaction

from zaitu.access.models import Team, User
from zaitu.access.services.audit import audit
from zaitu.kernel.errors import Conflict, Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Principal
from zaitu.kernel.words import shown

NAME_MAX: Final = 60
STATION_MAX: Final = 20


def team_create(*, actor: Principal, name: str, station_code: str) -> Team:
    """A new team. Raises Invalid, Conflict (one has the name)."""
    name, station_code = _checked(name, station_code)
    try:
        with transaction.atomic():
            return _put(actor, Team(), name, station_code)
    except IntegrityError as error:
        raise Conflict("已有同名班组") from error


def team_update(*, actor: Principal, team_id: int, name: str, station_code: str) -> Team:
    """Rename it, or move it to another station. Raises Invalid, NotFound, Conflict (another team has the name)."""
    name, station_code = _checked(name, station_code)
    try:
        with transaction.atomic():
            return _put(actor, _locked(team_id), name, station_code)
    except IntegrityError as error:
        raise Conflict("已有同名班组") from error


def _put(actor: Principal, team: Team, name: str, station_code: str) -> Team:
    former = team.name if team.name != name else ""
    team.name, team.station_code = name, station_code
    team.save()
    audit(actor=actor, action="team.put", subject=team.name, detail={"former": former})
    return team


def _checked(name: str, station_code: str) -> tuple[str, str]:
    name, station_code = shown(name).strip(), station_code.strip()
    wrong = {}
    if not 0 < len(name) <= NAME_MAX:
        wrong["name"] = "请填写班组名称，最多 60 个字"
    if len(station_code) > STATION_MAX:
        wrong["station_code"] = "没有这个站点"
    if wrong:
        raise Invalid("班组资料有误", fields=wrong)
    return name, station_code


def _locked(team_id: int) -> Team:
    team = Team.objects.select_for_update().filter(pk=team_id).first()
    if team is None:
        raise NotFound("没有这个班组")
    return team


@transaction.atomic
def team_join(*, actor: Principal, team_id: int, username: str) -> None:
    """The user works in this team from now on, and in no other; again without effect. Raises NotFound, Invalid."""
    team = _locked(team_id)
    user = _user(username)
    if user is None:
        raise Invalid("没有这个用户", fields={"username": "没有这个用户，请从列表中选择"})
    if user.team_id == team.pk:
        return
    user.team = team
    user.save(update_fields=["team"])
    audit(actor=actor, action="team.join", subject=user.username, detail={"team": team.name})


@transaction.atomic
def team_leave(*, actor: Principal, team_id: int, username: str) -> None:
    """The user is in no team any more; again without effect. Raises NotFound."""
    team = _locked(team_id)
    user = _user(username)
    if user is None:
        raise NotFound("没有这个用户")
    if user.team_id != team.pk:
        return
    user.team = None
    user.save(update_fields=["team"])
    audit(actor=actor, action="team.leave", subject=user.username, detail={"team": team.name})


def _user(username: str) -> User | None:
    return User.objects.select_for_update().filter(username=username.strip().lower()).first()


@transaction.atomic
def team_remove(*, actor: Principal, team_id: int) -> None:
    """Remove a team that nobody is in. Raises NotFound, RuleBroken while it has members, those switched off included.

    Members keep their rights where they work: a warehouse account without any station would not be bound to one.
    """
    team = _locked(team_id)
    count = User.objects.filter(team=team).count()
    if count:
        raise RuleBroken(f"班组还有 {count} 人，请先移出或换组")
    audit(actor=actor, action="team.remove", subject=team.name)
    team.delete()
