"""Teams: list, form, members."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.access import public as access
from zaitu.console.access.stations import station_must_exist
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.kernel.errors import Conflict, Invalid, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.network import public as network


@require_safe
@staff(Right.USERS_MANAGE)
def teams(request: StaffRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "")[:60]
    page = access.teams_search(actor=request.actor, text=text, page=page_number(request))
    stations = network.stations_by_codes({one.station_code for one in page.rows if one.station_code})
    context = {
        "page": page,
        "q": text,
        "query": query_without_page(request),
        "stations": {code: station.name for code, station in stations.items()},
    }
    return show(request, "console/access/teams.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.USERS_MANAGE)
def team_new(request: StaffRequest) -> HttpResponse:
    if request.method != "POST":
        return show(request, "console/access/team.html", {"form": Form()})
    form = Form.posted(request)
    try:
        station_must_exist(form.text("station_code"))
        made = access.team_create(
            actor=request.actor, name=form.text("name"), station_code=form.text("station_code")
        )
    except (Invalid, Conflict) as error:
        return show(request, "console/access/team.html", {"form": _failed(form, error)}, status=422)
    done(request, _("班组已建立，现在添加成员"))
    return redirect("console:team", team_id=made.id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.USERS_MANAGE)
def team(request: StaffRequest, team_id: int) -> HttpResponse:
    """Its name and station, who is in it, and the way to remove it."""
    if request.method != "POST":
        return _page(request, team_id, Form())
    form = Form.posted(request)
    try:
        station_must_exist(form.text("station_code"))
        access.team_update(
            actor=request.actor,
            team_id=team_id,
            name=form.text("name"),
            station_code=form.text("station_code"),
        )
    except (Invalid, Conflict) as error:
        return _page(request, team_id, _failed(form, error), status=422)
    done(request, _("已保存"))
    return redirect("console:team", team_id=team_id)


@require_POST
@staff(Right.USERS_MANAGE)
def team_join(request: StaffRequest, team_id: int) -> HttpResponse:
    form = Form.posted(request)
    try:
        access.team_join(actor=request.actor, team_id=team_id, username=form.text("username"))
    except Invalid as error:
        return _page(request, team_id, Form(), joining=form.failed(error), status=422)
    done(request, _("已加入班组"))
    return redirect("console:team", team_id=team_id)


@require_POST
@staff(Right.USERS_MANAGE)
def team_leave(request: StaffRequest, team_id: int) -> HttpResponse:
    access.team_leave(actor=request.actor, team_id=team_id, username=Form.posted(request).text("username"))
    done(request, _("已移出班组"))
    return redirect("console:team", team_id=team_id)


@require_POST
@staff(Right.USERS_MANAGE)
def team_remove(request: StaffRequest, team_id: int) -> HttpResponse:
    try:
        access.team_remove(actor=request.actor, team_id=team_id)
    except RuleBroken as error:
        return _page(request, team_id, Form(), refused=error.message, status=409)
    done(request, _("班组已删除"))
    return redirect("console:teams")


def _failed(form: Form, error: Invalid | Conflict) -> Form:
    return form.failed(error if isinstance(error, Invalid) else Invalid(fields={"name": error.message}))


def _page(
    request: StaffRequest,
    team_id: int,
    form: Form,
    *,
    joining: Form | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "team": access.team_get(actor=request.actor, team_id=team_id),
        "page": access.team_members(actor=request.actor, team_id=team_id, page=page_number(request)),
        "query": query_without_page(request),
        "form": form,
        "joining": joining or Form(),
        "refused": refused,
    }
    return show(request, "console/access/team.html", context, status=status)
