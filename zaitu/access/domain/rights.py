"""The rights table: which role may do what. Data, read by everything that builds a Principal; tested right by right."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from zaitu.kernel.principal import Right


class Role(StrEnum):
    SERVICE = "service"
    """客服"""
    DISPATCH = "dispatch"
    """调度"""
    WAREHOUSE = "warehouse"
    """仓库"""
    DRIVER = "driver"
    """司机"""
    FINANCE = "finance"
    """财务"""
    MANAGER = "manager"
    """主管"""
    ADMINISTRATOR = "administrator"
    """管理员"""
    CUSTOMER = "customer"
    """A contract customer's system, by API key; never a role of a user."""
    PARTNER = "partner"
    """A partner carrier's system, by API key; never a role of a user."""
    LINK = "link"
    """The holder of a signed link, or of a number with the right phone tail; never a role of a user."""


ROLE_NAMES: Final[dict[Role, str]] = {
    Role.SERVICE: "客服",
    Role.DISPATCH: "调度",
    Role.WAREHOUSE: "仓库",
    Role.DRIVER: "司机",
    Role.FINANCE: "财务",
    Role.MANAGER: "主管",
    Role.ADMINISTRATOR: "管理员",
    Role.CUSTOMER: "客户接口",
    Role.PARTNER: "合作方接口",
    Role.LINK: "链接访客",
}

STAFF_ROLES: Final = frozenset(Role) - {Role.CUSTOMER, Role.PARTNER, Role.LINK}
"""Roles a user can have; a user may have several."""

RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.SERVICE: frozenset(
        {
            Right.LINKS_ISSUE,
            Right.PERSONAL_READ,
            Right.NETWORK_READ,
            Right.CUSTOMERS_READ,
            Right.CUSTOMERS_EDIT,
            Right.POSITIONS_READ,
            Right.ORDERS_CREATE,
            Right.SHIPMENTS_READ,
            Right.PROBLEM_REPORT,
            Right.LABELS_PRINT,
            Right.MESSAGES_READ,
            Right.TRACK_EXACT,
            Right.DESK_READ,
            Right.DESK_ANSWER,
            Right.CALLS_READ,
        }
    ),
    Role.DISPATCH: frozenset(
        {
            Right.LINKS_ISSUE,
            Right.PERSONAL_READ,
            Right.NETWORK_READ,
            Right.NETWORK_EDIT,
            Right.CUSTOMERS_READ,
            Right.POSITIONS_READ,
            Right.COMMANDS_TELL,
            Right.ORDERS_CREATE,
            Right.SHIPMENTS_READ,
            Right.SHIPMENTS_CORRECT,
            Right.TRIPS_PLAN,
            Right.PROBLEM_REPORT,
            Right.LABELS_PRINT,
            Right.MESSAGES_READ,
            Right.TRACK_EXACT,
            Right.DESK_READ,
        }
    ),
    Role.WAREHOUSE: frozenset(
        {
            Right.NETWORK_READ,
            Right.SHIPMENTS_READ,
            Right.SCAN_WAREHOUSE,
            # Small stations have no dispatcher: the warehouse sends trucks off, receives them and hands goods over the counter.
            Right.SCAN_ROAD,
            Right.PROBLEM_REPORT,
            Right.LABELS_PRINT,
        }
    ),
    Role.DRIVER: frozenset(
        {
            # A driver calls the consignee and finds the door, of the goods in his hands only; each such read is in the audit.
            Right.PERSONAL_CARRIED,
            Right.NETWORK_READ,
            Right.SHIPMENTS_READ,
            Right.SCAN_ROAD,
            Right.PROBLEM_REPORT,
        }
    ),
    Role.FINANCE: frozenset({Right.NETWORK_READ, Right.CUSTOMERS_READ, Right.SHIPMENTS_READ}),
    Role.MANAGER: frozenset(
        {
            Right.LINKS_ISSUE,
            Right.AUDIT_READ,
            Right.PERSONAL_READ,
            Right.NETWORK_READ,
            Right.NETWORK_EDIT,
            Right.CUSTOMERS_READ,
            Right.CUSTOMERS_EDIT,
            Right.POSITIONS_READ,
            Right.GATEWAY_READ,
            Right.ORDERS_CREATE,
            Right.SHIPMENTS_READ,
            Right.SHIPMENTS_CORRECT,
            Right.TRIPS_PLAN,
            Right.SCAN_WAREHOUSE,
            Right.SCAN_ROAD,
            Right.PROBLEM_REPORT,
            Right.LABELS_PRINT,
            Right.MESSAGES_READ,
            Right.TEMPLATES_EDIT,
            Right.TRACK_EXACT,
            Right.DESK_READ,
            Right.DESK_ANSWER,
            Right.CALLS_READ,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Right),
    Role.CUSTOMER: frozenset(
        {
            Right.ORDERS_CREATE,
            Right.SHIPMENTS_READ,
            Right.LABELS_PRINT,
            Right.WEBHOOKS_MANAGE,
            Right.TRACK_EXACT,
            Right.EPCIS_CAPTURE,
        }
    ),
    Role.PARTNER: frozenset({Right.PARTNER_EVENTS, Right.EPCIS_CAPTURE, Right.CALLS_ANSWER}),
    Role.LINK: frozenset({Right.TRACK_EXACT, Right.PROBLEM_REPORT, Right.TALK}),
}

AT_ONE_STATION: Final = frozenset({Role.WAREHOUSE})
"""Roles that scan where their person works, and nowhere else."""
_SCANNING: Final = frozenset({Right.SCAN_WAREHOUSE, Right.SCAN_ROAD})

KEY_SCOPES: Final[dict[str, frozenset[Right]]] = {
    "orders": frozenset({Right.ORDERS_CREATE, Right.SHIPMENTS_READ}),
    "track": frozenset({Right.SHIPMENTS_READ, Right.TRACK_EXACT}),
    "events": frozenset({Right.SHIPMENTS_READ}),
    "labels": frozenset({Right.LABELS_PRINT}),
    "webhooks": frozenset({Right.WEBHOOKS_MANAGE}),
    "epcis": frozenset({Right.EPCIS_CAPTURE, Right.SHIPMENTS_READ}),
}
"""What each scope of a customer's API key opens; a key has the union of its scopes and no more."""

PARTNER_SCOPES: Final[dict[str, frozenset[Right]]] = {
    "partner_events": frozenset({Right.PARTNER_EVENTS}),
    "epcis": frozenset({Right.PARTNER_EVENTS, Right.EPCIS_CAPTURE}),
    "hotline": frozenset({Right.CALLS_ANSWER}),
}
"""The same for a partner's key: a carrier tells and reads nothing, a call centre hears what its callers may hear."""
CARRIER_SCOPES: Final = frozenset({"partner_events", "epcis"})
"""What a carrier's key is issued with; a call centre's has `hotline` alone."""

PARTNER_NAME_MAX: Final = 32
"""Characters. With `partner:` before it, the name is the source of the events that a partner tells."""

LINK_SCOPES: Final[dict[str, frozenset[Right]]] = {
    # Asking changes nothing: whoever may look may ask.
    "view": frozenset({Right.TRACK_EXACT, Right.TALK}),
    "act": frozenset({Right.TRACK_EXACT, Right.PROBLEM_REPORT, Right.TALK}),
}


def rights_of_roles(roles: Iterable[str]) -> frozenset[Right]:
    """The union over staff roles; codes that are no staff role give nothing."""
    known = {role.value for role in STAFF_ROLES}
    return frozenset(right for code in roles if code in known for right in RIGHTS[Role(code)])


def stays_at_station(roles: Iterable[str]) -> bool:
    """Whether all that lets a person scan are roles of one station; a driver or manager moves about, whatever else they are."""
    scanning = {role for role in STAFF_ROLES if role.value in set(roles) and RIGHTS[role] & _SCANNING}
    return bool(scanning) and scanning <= AT_ONE_STATION


def rights_of_key(scopes: Iterable[str]) -> frozenset[Right]:
    opened = frozenset(right for scope in scopes for right in KEY_SCOPES.get(scope, ()))
    return opened & RIGHTS[Role.CUSTOMER]


def rights_of_partner_key(scopes: Iterable[str]) -> frozenset[Right]:
    opened = frozenset(right for scope in scopes for right in PARTNER_SCOPES.get(scope, ()))
    return opened & RIGHTS[Role.PARTNER]


def rights_of_link(scopes: Iterable[str]) -> frozenset[Right]:
    opened = frozenset(right for scope in scopes for right in LINK_SCOPES.get(scope, ()))
    return opened & RIGHTS[Role.LINK]
