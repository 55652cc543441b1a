"""Stations, lines, vehicles, drivers and products: lists with import and export, and simple forms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.access import public as access
from zaitu.console import exports, words
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.network import drafts
from zaitu.console.network.line_stops import rows_of
from zaitu.customers import public as customers
from zaitu.kernel.errors import Conflict, Invalid, NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Principal, Right
from zaitu.network import public as network

UPLOAD_MAX: Final = 10 * 1024 * 1024
_PICKED: Final = 12
_USED: Final[Mapping[str, bool | None]] = {"": None, "1": True, "0": False}


def _products(*, actor: Principal, page: int, only: network.Only) -> Page[Any]:
    rows = tuple(
        row
        for row in network.products_list(actor=actor)
        if only.text.lower() in f"{row.code} {row.name}".lower() and only.active in (None, row.active)
    )
    return Page(rows=rows, total=len(rows), size=max(50, len(rows)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    name: Any
    """Lazy translation."""
    icon: str
    listed: Callable[..., Page[Any]]
    found: Callable[[Principal, str], Any]
    saved: Callable[[Principal, str, Form], Any]
    key: str
    """The field that names one."""
    search: Any
    """What can be typed; lazy translation."""
    kinds: Mapping[Any, Any] = field(default_factory=dict)


KINDS: Final[Mapping[str, Kind]] = {
    "stations": Kind(
        name=gettext_lazy("站点"),
        icon="building-warehouse",
        listed=network.stations_list,
        found=lambda actor, code: network.station_get(actor=actor, code=code),
        saved=drafts.station_save,
        key="code",
        search=gettext_lazy("名称、编码、城市"),
        kinds=network.STATION_KINDS,
    ),
    "lines": Kind(
        name=gettext_lazy("线路"),
        icon="route",
        listed=network.lines_list,
        found=lambda actor, code: network.line_get(actor=actor, code=code),
        saved=drafts.line_save,
        key="code",
        search=gettext_lazy("名称或编码"),
    ),
    "vehicles": Kind(
        name=gettext_lazy("车辆"),
        icon="truck",
        listed=network.vehicles_list,
        found=lambda actor, code: network.vehicle_get(actor=actor, plate=code),
        saved=drafts.vehicle_save,
        key="plate",
        search=gettext_lazy("车牌或它的一部分"),
        kinds=network.VEHICLE_KINDS,
    ),
    "drivers": Kind(
        name=pgettext_lazy("many", "司机"),
        icon="users",
        listed=network.drivers_list,
        found=lambda _actor, code: network.drivers_by_codes([code]).get(code),
        saved=drafts.driver_save,
        key="code",
        search=gettext_lazy("姓名或编码"),
    ),
    "products": Kind(
        name=gettext_lazy("产品"),
        icon="box",
        listed=_products,
        found=lambda actor, code: next(
            (row for row in network.products_list(actor=actor) if row.code == code), None
        ),
        saved=drafts.product_save,
        key="code",
        search=gettext_lazy("名称或编码"),
    ),
}


_AT_STOPS: Final[Mapping[str, str]] = dict.fromkeys(("station", "arrive_after_min", "points"), "stops")
"""What the room says of a line's stops is shown below them."""


def kind_of(kind: str) -> Kind:
    if kind not in KINDS:
        raise NotFound(_("没有这种资料"))
    return KINDS[kind]


@require_safe
@staff(Right.NETWORK_READ)
def network_list(request: StaffRequest, kind: str) -> HttpResponse:
    shown = kind_of(kind)
    only, asked = _only(request, shown)
    context = {
        "kind": kind,
        "shown": shown,
        "page": shown.listed(actor=request.actor, page=page_number(request), only=only),
        "asked": asked,
        "filtered": any(asked.values()),
        "used": [("", _("全部")), ("1", _("在用")), ("0", _("停用"))],
        "kinds": [("", _("各类型")), *((key.value, words.said(text)) for key, text in shown.kinds.items())]
        if shown.kinds
        else [],
        "query": query_without_page(request),
        "kind_names": {key: words.said(text) for key, text in shown.kinds.items()},
    }
    return show(request, f"console/network/{kind}.html", context)


def _only(request: StaffRequest, shown: Kind) -> tuple[network.Only, dict[str, str]]:
    """The filters as the room knows them, and as typed."""
    asked = {name: request.GET.get(name, "").strip()[:60] for name in ("q", "used", "kind")}
    known = asked["kind"] in {key.value for key in shown.kinds}
    only = network.Only(text=asked["q"], kind=asked["kind"] if known else "", active=_USED.get(asked["used"]))
    return only, asked


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.NETWORK_EDIT)
def network_edit(request: StaffRequest, kind: str, code: str = "") -> HttpResponse:
    """A new one, or everything of one."""
    shown = kind_of(kind)
    row = shown.found(request.actor, code) if code else None
    if code and row is None:
        raise NotFound(_("没有找到 %(code)s") % {"code": code})
    context = {"kind": kind, "shown": shown, "row": row, **drafts.choices(request.actor, kind, row)}
    template = f"console/network/{kind}_edit.html"

    def answer(form: Form, status: int = 200) -> HttpResponse:
        rows = rows_of(row, form) if kind == "lines" else ()
        return show(request, template, {**context, "form": form, "rows": rows}, status=status)

    if request.method != "POST":
        return answer(Form())
    form = Form.posted(request)
    try:
        shown.saved(request.actor, code, form)
    except Invalid as error:
        return answer(form.failed(error, renamed=_AT_STOPS if kind == "lines" else None), 422)
    except Conflict as error:
        return answer(form.failed(Invalid(error.message)), 409)
    done(request, _("已保存"))
    return redirect("console:network", kind=kind)


@require_safe
@staff(Right.NETWORK_READ)
def network_export(request: StaffRequest, kind: str, form: str) -> HttpResponse:
    """What the list shows, as the file that the import takes back."""
    only = _only(request, KINDS[kind])[0] if kind in KINDS else network.Only()
    content = network.export_rows(actor=request.actor, kind=kind, format=form, only=only)
    return exports.attached(kind, form, content)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.NETWORK_EDIT, Right.TERMINALS_MANAGE)
def network_import(request: StaffRequest, kind: str) -> HttpResponse:
    """Good rows are kept, bad ones are told by row and column."""
    if kind != "bindings":
        kind_of(kind)
    context: dict[str, Any] = {"kind": kind, "shown": KINDS.get(kind), "form": Form()}
    if request.method != "POST":
        return show(request, "console/network/import.html", context)
    try:
        name, content = uploaded(request)
        report = network.import_rows(actor=request.actor, kind=kind, filename=name, content=content)
    except Invalid as error:
        context["form"] = Form().failed(error)
        return show(request, "console/network/import.html", context, status=422)
    return show(request, "console/network/import.html", {**context, "report": report})


def uploaded(request: StaffRequest) -> tuple[str, bytes]:
    """Name and content of the file in the form; raises Invalid."""
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise Invalid(_("请选择要导入的文件"), fields={"file": _("请选择文件")})
    if file.size > UPLOAD_MAX:
        raise Invalid(_("文件超过 10 MB，请拆分后导入"), fields={"file": _("最大 10 MB")})
    return file.name or "", file.read()


@require_safe
@staff(Right.NETWORK_READ, Right.CUSTOMERS_READ)
def pick(request: StaffRequest, kind: str) -> JsonResponse:
    """The first few matches for a pick list: [{value, text, more}]."""
    text = request.GET.get("q", "").strip()
    if kind not in _PICKS or (kind == "users" and not request.actor.can(Right.USERS_MANAGE)):
        raise NotFound(_("没有这种资料"))
    return JsonResponse(_PICKS[kind](request.actor, text)[:_PICKED], safe=False)


def _picked(value: str, text: str, more: str = "") -> dict[str, str]:
    return {"value": value, "text": text, "more": more}


_PICKS: Final[Mapping[str, Callable[[Principal, str], list[dict[str, str]]]]] = {
    "stations": lambda actor, text: [
        _picked(one.code, one.name, f"{one.code} · {one.city}")
        for one in network.stations_list(actor=actor, text=text).rows
        if one.active
    ],
    "lines": lambda actor, text: [
        _picked(one.code, one.name, one.code)
        for one in network.lines_list(actor=actor, text=text).rows
        if one.active
    ],
    "vehicles": lambda actor, text: [
        _picked(
            one.plate, one.plate, words.said(network.VEHICLE_KINDS.get(network.VehicleKind(one.kind), ""))
        )
        for one in network.vehicles_list(actor=actor, text=text).rows
        if one.active
    ],
    "drivers": lambda actor, text: [
        _picked(one.code, one.name, one.code)
        for one in network.drivers_list(actor=actor, text=text).rows
        if one.active
    ],
    "users": lambda actor, text: [
        _picked(one.username, one.name or one.username, f"{one.username} {one.team}".strip())
        for one in access.users_list(actor=actor, text=text).rows
        if one.active
    ],
    "customers": lambda actor, text: [
        _picked(one.code, one.name, one.code)
        for one in customers.customers_search(actor=actor, text=text).rows
        if one.active
    ],
}


@require_POST
@staff(Right.PERSONAL_READ)
def driver_phone(request: StaffRequest, code: str) -> HttpResponse:
    """The whole number, in place of the button; on record with the page's reason."""
    phone = network.driver_phone(actor=request.actor, code=code, reason=request.POST.get("reason", ""))
    return show(request, "console/network/phone.html", {"phone": phone})
