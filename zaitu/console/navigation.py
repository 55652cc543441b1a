"""The left side: only what exists, and only what the person may open."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zaitu.desk import public as desk
from zaitu.kernel.principal import Principal, Right


@dataclass(frozen=True, slots=True)
class Item:
    name: Any
    """Lazy translation."""
    icon: str
    view: str
    """URL name."""
    right: Right | None = None
    kwargs: dict[str, str] = field(default_factory=dict)
    exact: bool = False
    """Current only on its own address, not below it."""
    count: Callable[[Principal], int] | None = None
    """How many things wait there."""


def _conversations(actor: Principal) -> int:
    return desk.waiting_count(actor=actor)


GROUPS: Final[tuple[tuple[Any, tuple[Item, ...]], ...]] = (
    (
        "",
        (
            Item(_("今天"), "home", "console:home", exact=True),
            Item(_("运单"), "packages", "console:shipments", Right.SHIPMENTS_READ),
            Item(_("车次"), "truck-delivery", "console:trips", Right.SHIPMENTS_READ),
            Item(_("地图"), "map", "console:map", Right.POSITIONS_READ),
            Item(_("会话"), "headset", "console:conversations", Right.DESK_READ, count=_conversations),
            Item(_("热线来电"), "phone", "console:calls", Right.CALLS_READ),
        ),
    ),
    (
        _("网络"),
        (
            Item(
                _("站点"), "building-warehouse", "console:network", Right.NETWORK_READ, {"kind": "stations"}
            ),
            Item(_("线路"), "route", "console:network", Right.NETWORK_READ, {"kind": "lines"}),
            Item(_("车辆"), "truck", "console:network", Right.NETWORK_READ, {"kind": "vehicles"}),
            Item(
                pgettext_lazy("many", "司机"),
                "users",
                "console:network",
                Right.NETWORK_READ,
                {"kind": "drivers"},
            ),
            Item(_("产品"), "box", "console:network", Right.NETWORK_READ, {"kind": "products"}),
            Item(_("终端"), "gps", "console:terminals", Right.TERMINALS_MANAGE),
            Item(_("网关流量"), "activity", "console:gateway", Right.GATEWAY_READ),
        ),
    ),
    (
        _("客户"),
        (
            Item(_("客户"), "user-check", "console:customers", Right.CUSTOMERS_READ),
            Item(_("接口密钥"), "key", "console:keys", Right.KEYS_MANAGE),
            Item(_("推送地址"), "share-2", "console:webhooks", Right.WEBHOOKS_MANAGE),
        ),
    ),
    (
        _("设置"),
        (
            Item(_("公司"), "settings", "console:company", Right.COMPANY_EDIT),
            Item(_("短信与消息模板"), "message", "console:templates", Right.TEMPLATES_EDIT),
            Item(_("用户"), "user", "console:users", Right.USERS_MANAGE),
            Item(pgettext_lazy("many", "班组"), "users", "console:teams", Right.USERS_MANAGE),
            Item(_("群机器人"), "message-circle", "console:robots", Right.ROBOTS_MANAGE),
            Item(_("操作记录"), "shield-check", "console:audit", Right.AUDIT_READ),
            Item(_("系统状态"), "adjustments-horizontal", "console:health", Right.USERS_MANAGE),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    name: Any
    icon: str
    address: str
    current: bool
    count: int = 0


def navigation(actor: Principal, path: str) -> list[tuple[Any, list[Entry]]]:
    """The groups this person sees, with the entry of the page they are on marked."""
    shown = []
    for title, items in GROUPS:
        entries = [_entry(item, path, actor) for item in items if item.right is None or actor.can(item.right)]
        if entries:
            shown.append((title, entries))
    return shown


def _entry(item: Item, path: str, actor: Principal) -> Entry:
    address = reverse(item.view, kwargs=item.kwargs)
    current = path == address if item.exact else path.startswith(address)
    count = item.count(actor) if item.count else 0
    return Entry(name=item.name, icon=item.icon, address=address, current=current, count=count)
