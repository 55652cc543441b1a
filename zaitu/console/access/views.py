"""Users, API keys, and the record of what was done."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.access import public as access
from zaitu.access.public import CARRIER_SCOPES, KEY_SCOPES, STAFF_ROLES, Role, UserDraft
from zaitu.console.access.changes import told
from zaitu.console.access.stations import station_must_exist
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.console.words import action_choices, role_name
from zaitu.customers import public as customers
from zaitu.journey import public as journey
from zaitu.kernel.errors import Invalid, NotFound, RuleBroken
from zaitu.kernel.principal import Right
from zaitu.network import public as network


def _role_options() -> list[tuple[str, str, str]]:
    hints = {
        Role.SERVICE: _("查询、下单、联系客户"),
        Role.DISPATCH: _("车次、线路、车辆、更正运单"),
        Role.WAREHOUSE: _("收发货扫描、打印标签"),
        Role.DRIVER: _("派送与签收"),
        Role.FINANCE: _("只读运单与客户"),
        Role.MANAGER: _("全部业务与操作记录"),
        Role.ADMINISTRATOR: _("全部权限，含用户、密钥、终端"),
    }
    return [(role.value, role_name(role), hints[role]) for role in Role if role in STAFF_ROLES]


@require_safe
@staff(Right.USERS_MANAGE)
def users(request: StaffRequest) -> HttpResponse:
    text = request.GET.get("q", "")
    context: dict[str, Any] = {
        "page": access.users_list(actor=request.actor, text=text, page=page_number(request)),
        "q": text,
        "query": query_without_page(request),
    }
    codes = {one.station_code for one in context["page"].rows if one.station_code}
    stations = network.stations_by_codes(codes)
    context["stations"] = {code: station.name for code, station in stations.items()}
    return show(request, "console/access/users.html", context)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.USERS_MANAGE)
def user_edit(request: StaffRequest, username: str = "") -> HttpResponse:
    """A new user, or everything of one."""
    user = access.user_get(actor=request.actor, username=username) if username else None
    context = {"user_shown": user, "roles": _role_options(), "teams": access.teams_list(actor=request.actor)}
    if request.method != "POST":
        return show(request, "console/access/user.html", {**context, "form": Form()})
    form = Form.posted(request)
    draft = UserDraft(
        username=username or form.text("username"),
        name=form.text("name"),
        roles=form.chosen("roles"),
        team=form.text("team"),
        station_code=form.text("station_code"),
        password=form.values.get("password", ""),
        active=form.ticked("active") or user is None,
    )
    try:
        _must_be_whole(draft, new=user is None)
        put = access.user_update if user else access.user_create
        put(actor=request.actor, draft=draft)
    except (Invalid, RuleBroken) as error:
        failed = form.failed(error if isinstance(error, Invalid) else Invalid(error.message))
        status = 422 if isinstance(error, Invalid) else 409
        return show(request, "console/access/user.html", {**context, "form": failed}, status=status)
    done(request, _("已保存"))
    return redirect("console:users")


def _must_be_whole(draft: UserDraft, *, new: bool) -> None:
    """What the door itself has to say of a user, told together with what the room has. Raises Invalid."""
    wrong = access.user_faults(draft)
    if new and not draft.password:
        wrong["password"] = _("请设置初始密码")
    try:
        station_must_exist(draft.station_code)
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid(fields=wrong)


@require_safe
@staff(Right.KEYS_MANAGE)
def keys(request: StaffRequest) -> HttpResponse:
    return _keys_page(request, Form())


@require_POST
@staff(Right.KEYS_MANAGE)
def key_issue(request: StaffRequest) -> HttpResponse:
    """The key is in this one answer and never again."""
    form = Form.posted(request)
    try:
        code = form.text("customer_code")
        if code:
            _customer_must_exist(request, code)
        _view, raw = access.key_issue(
            actor=request.actor,
            customer_code=code,
            name=form.text("name"),
            scopes=form.chosen("scopes"),
            rate_per_min=form.whole("rate_per_min", 600),
        )
    except Invalid as error:
        return _keys_page(request, form.failed(error), status=422)
    return _keys_page(request, Form(), raw=raw)


@require_POST
@staff(Right.KEYS_MANAGE)
def partner_key_issue(request: StaffRequest) -> HttpResponse:
    """As `key_issue`, for a carrier that goods are forwarded to."""
    form = Form.posted(request)
    if not form.text("partner"):
        form = form.refused("partner", _("请填写合作方名称"))
        return _keys_page(request, Form(), partner_form=form, status=422)
    try:
        _view, raw = access.key_issue(
            actor=request.actor,
            partner=form.text("partner"),
            name=form.text("partner_name"),
            scopes=frozenset({"hotline"}) if form.text("partner_for") == "hotline" else CARRIER_SCOPES,
            rate_per_min=form.whole("partner_rate", 600),
        )
    except Invalid as error:
        renamed = {"name": "partner_name", "rate_per_min": "partner_rate"}
        return _keys_page(request, Form(), partner_form=form.failed(error, renamed=renamed), status=422)
    return _keys_page(request, Form(), raw=raw)


@require_POST
@staff(Right.KEYS_MANAGE)
def key_revoke(request: StaffRequest, prefix: str) -> HttpResponse:
    access.key_revoke(actor=request.actor, prefix=prefix)
    done(request, _("密钥已停用，5 秒内全部失效"))
    return redirect("console:keys")


def _customer_must_exist(request: StaffRequest, code: str) -> None:
    try:
        customers.customer_get(actor=request.actor, code=code)
    except NotFound:
        raise Invalid(fields={"customer_code": _("没有这个客户，请从列表中选择")}) from None


def _keys_page(
    request: StaffRequest,
    form: Form,
    *,
    partner_form: Form | None = None,
    raw: str = "",
    status: int = 200,
) -> HttpResponse:
    hints = {
        "orders": (_("下单"), _("下单、查自己的运单")),
        "track": (_("跟踪"), _("精确位置与联系人")),
        "events": (_("事件"), _("读取运单事件")),
        "labels": (_("标签"), _("打印标签")),
        "webhooks": (_("推送"), _("管理自己的推送地址")),
        "epcis": (_("EPCIS"), _("按 EPCIS 2.0 上报和查询事件")),
    }
    page = access.keys_list(actor=request.actor, page=page_number(request))
    context = {
        "page": page,
        "customers": customers.customer_names(
            actor=request.actor, codes={key.customer_code for key in page.rows if key.customer_code}
        ),
        "scopes": [(scope, *hints[scope]) for scope in KEY_SCOPES],
        "scope_names": {
            **{scope: names[0] for scope, names in hints.items()},
            "partner_events": _("上报事件"),
            "hotline": _("接听热线"),
        },
        "form": form,
        "partner_form": partner_form or Form(),
        "partner_uses": [("carrier", _("承运商：上报事件")), ("hotline", _("呼叫中心：接听热线"))],
        "partners": journey.partner_names(actor=request.actor),
        "raw": raw,
        "query": query_without_page(request),
    }
    return show(request, "console/access/keys.html", context, status=status)


@require_safe
@staff(Right.AUDIT_READ)
def audit(request: StaffRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "").strip() for name in ("subject", "by", "action")}
    page = access.audit_list(actor=request.actor, page=page_number(request), **asked)
    context = {
        "page": page,
        "people": access.staff_names(actor=request.actor, usernames={entry.actor for entry in page.rows}),
        "actions": action_choices(),
        "asked": asked,
        "query": query_without_page(request),
    }
    return show(request, "console/access/audit.html", context)


@require_safe
@staff(Right.AUDIT_READ)
def audit_entry(request: StaffRequest, entry_id: int) -> HttpResponse:
    """Before and after, in the drawer."""
    changes = access.audit_changes(actor=request.actor, entry_id=entry_id)
    return show(request, "console/access/changes.html", {"changes": [told(change) for change in changes]})
