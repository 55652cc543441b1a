"""What an act changed, field by field, in people's words: tables and columns of the database are nobody's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zaitu.console import words
from zaitu.kernel.history import Change
from zaitu.network import public as network
from zaitu.ui.templatetags import people

TABLES: Final[Mapping[str, Any]] = {
    "access.team": pgettext_lazy("one", "班组"),
    "access.user": pgettext_lazy("one", "用户"),
    "access.apikey": pgettext_lazy("one", "接口密钥"),
    "network.company": gettext_lazy("公司"),
    "network.serviceproduct": pgettext_lazy("one", "产品"),
    "network.station": pgettext_lazy("one", "站点"),
    "network.line": pgettext_lazy("one", "线路"),
    "network.linestop": gettext_lazy("线路上的站点"),
    "network.vehicle": pgettext_lazy("one", "车辆"),
    "network.driver": gettext_lazy("司机"),
    "network.terminalbinding": gettext_lazy("终端装车"),
    "customers.customer": pgettext_lazy("one", "客户"),
}
FIELDS: Final[Mapping[str, Any]] = {
    "access.user.name": gettext_lazy("姓名"),
    "active": gettext_lazy("在用"),
    "address": gettext_lazy("地址"),
    "along_m": gettext_lazy("离起点（米）"),
    "arrive_after_min": gettext_lazy("发车后多久到达（分钟）"),
    "capacity_kg": gettext_lazy("载重（公斤）"),
    "capacity_m3": gettext_lazy("容积（立方米）"),
    "city": gettext_lazy("城市"),
    "code": gettext_lazy("编码"),
    "cold": gettext_lazy("冷链"),
    "created_at": gettext_lazy("建立时间"),
    "customer_code": gettext_lazy("客户编号"),
    "delivery_closes_min": gettext_lazy("送货到几点"),
    "delivery_opens_min": gettext_lazy("送货从几点"),
    "dwell_min": gettext_lazy("停留分钟"),
    "email": gettext_lazy("通知邮箱"),
    "fence": gettext_lazy("电子围栏"),
    "from_at": gettext_lazy("装上时间"),
    "geometry": gettext_lazy("行驶路线"),
    "hotline": gettext_lazy("客服热线"),
    "is_active": gettext_lazy("在用"),
    "key_node": gettext_lazy("经过时通知客户"),
    "kind": gettext_lazy("类型"),
    "lat": gettext_lazy("纬度"),
    "length_m": gettext_lazy("里程（米）"),
    "line": gettext_lazy("线路（内部编号）"),
    "lon": gettext_lazy("经度"),
    "name": gettext_lazy("名称"),
    "partner": gettext_lazy("合作方名称"),
    "plate": gettext_lazy("车牌"),
    "prefix": gettext_lazy("前缀"),
    "product": gettext_lazy("产品（内部编号）"),
    "promise_hours": gettext_lazy("承诺时效（小时）"),
    "province": gettext_lazy("省份"),
    "radius_m": gettext_lazy("围栏半径（米）"),
    "rate_per_min": gettext_lazy("每分钟上限"),
    "revoked_at": gettext_lazy("停用时间"),
    "roles": gettext_lazy("角色"),
    "scopes": gettext_lazy("权限"),
    "seq": gettext_lazy("站序"),
    "station": gettext_lazy("站点（内部编号）"),
    "station_code": gettext_lazy("站点编码"),
    "team": gettext_lazy("班组（内部编号）"),
    "temp_controlled": gettext_lazy("温控车"),
    "terminal": gettext_lazy("终端号"),
    "to_at": gettext_lazy("拆下时间"),
    "user": gettext_lazy("登录账号（内部编号）"),
    "username": gettext_lazy("用户名"),
    "vehicle": gettext_lazy("车辆（内部编号）"),
}
HIDDEN: Final = frozenset({"id"})
"""A row's own number says nothing: what the act was about stands in the list."""
_POINTS: Final = frozenset({"geometry", "fence"})
_CLOCK: Final = frozenset({"delivery_opens_min", "delivery_closes_min"})
_KINDS: Final[Mapping[str, Any]] = {
    **{kind.value: text for kind, text in network.STATION_KINDS.items()},
    **{kind.value: text for kind, text in network.VEHICLE_KINDS.items()},
    "contract": gettext_lazy("合同客户"),
    "retail": gettext_lazy("散客"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A `Change` in words."""

    what: str
    """班组."""
    label: str
    """insert, update or delete."""
    fields: list[tuple[str, str, str]]
    """(field, before, after)."""


def told(change: Change) -> Told:
    made = change.label == "insert"
    return Told(
        what=str(TABLES.get(change.table, change.table)),
        label=change.label,
        fields=[
            (_name(change.table, name), _value(name, before), _value(name, after))
            for name, before, after in change.fields
            if name not in HIDDEN and not (made and not after)
        ],
    )


def _name(table: str, field: str) -> str:
    return str(FIELDS.get(f"{table}.{field}") or FIELDS.get(field, field))


def _value(name: str, text: str) -> str:
    if text in {"True", "False"}:
        return _("是") if text == "True" else _("否")
    if name.endswith("_at"):
        return _time(text)
    if name in _CLOCK and text.isdigit():
        return f"{int(text) // 60:02d}:{int(text) % 60:02d}"
    if name in _POINTS and text:
        return _("%(n)d 个点") % {"n": text.count("[")}
    if name == "roles":
        return words.listed(words.role_name(role) for role in text.split(", "))
    return words.said(str(_KINDS.get(text, text))) if name == "kind" else text


def _time(text: str) -> str:
    try:
        return people.when(datetime.fromisoformat(text))
    except ValueError:
        return text
