"""The filters over the list of shipments: as typed, as a query, and as chips that can be taken off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from zaitu.console.journey.looks import problem_text
from zaitu.customers import public as customers
from zaitu.journey.public import ShipmentQuery, Status
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal
from zaitu.network import public as network

NAMES: Final = ("q", "status", "exception", "station", "line", "customer", "from", "to", "open", "sort")
_SORTS: Final = frozenset({"ordered_at", "-ordered_at", "eta", "-eta", "status_at", "-status_at"})
_ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class Chip:
    name: str
    value: str
    without: str
    """The rest of the query, encoded."""


def asked(given: QueryDict) -> dict[str, str]:
    """What the filters say, as typed."""
    return {name: given.get(name, "").strip()[:100] for name in NAMES}


def query_of(said: Mapping[str, str]) -> ShipmentQuery:
    """What is no date, status or order is no filter."""
    day_from, day_to = _day(said["from"]), _day(said["to"])
    return ShipmentQuery(
        text=said["q"],
        status=said["status"] if said["status"] in set(Status) else "",
        exception=said["exception"],
        station=said["station"],
        line=said["line"],
        customer=said["customer"],
        ordered_from=day_from,
        ordered_to=day_to + timedelta(days=1) if day_to else None,
        open_only=said["open"] == "1",
        sort=said["sort"] if said["sort"] in _SORTS else "-ordered_at",
    )


def chips(actor: Principal, said: Mapping[str, str]) -> list[Chip]:
    """One for each filter that no control above the list shows, in people's words."""
    words = {
        "exception": (
            _("异常"),
            "" if said["exception"] == _ANY else problem_text({"code": said["exception"]}),
        ),
        "station": (pgettext("one", "站点"), _station(said["station"])),
        "line": (pgettext("one", "线路"), _line(said["line"])),
        "customer": (pgettext("one", "客户"), _customer(actor, said["customer"])),
        "from": (_("下单从"), said["from"] if _day(said["from"]) else ""),
        "to": (_("下单到"), said["to"] if _day(said["to"]) else ""),
    }
    return [Chip(name, value, _without(said, key)) for key, (name, value) in words.items() if value]


def _station(code: str) -> str:
    found = network.stations_by_codes([code]).get(code) if code else None
    return found.name if found else code


def _line(code: str) -> str:
    found = network.lines_by_codes([code]).get(code) if code else None
    return found.name if found else code


def _customer(actor: Principal, code: str) -> str:
    return customers.customer_names(actor=actor, codes=[code]).get(code, code) if code else ""


def _without(said: Mapping[str, str], name: str) -> str:
    left = QueryDict(mutable=True)
    left.update({key: value for key, value in said.items() if value and key != name})
    return left.urlencode()


def _day(text: str) -> datetime | None:
    """Midnight in China of a date such as 2026-11-22."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), clock.CHINA)
    except ValueError:
        return None
