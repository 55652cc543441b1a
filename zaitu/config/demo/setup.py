"""What a company has before its first order: products, stations, lines, trucks, drivers, customers, people, one API key."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from zaitu.access import public as access
from zaitu.config.demo.company import COMPANY, CUSTOMERS, DRIVER_USER, PRODUCTS, STAFF, person
from zaitu.config.demo.drive import PLAN_DWELL_MIN, planned_min
from zaitu.config.demo.geography import ROADS, STATIONS
from zaitu.config.demo.roads import points, stops
from zaitu.config.demo.schedule import trucks
from zaitu.config.homes import Home
from zaitu.customers import public as customers
from zaitu.kernel.principal import system
from zaitu.network import public as network
from zaitu.telemetry import public as telemetry

ACTOR: Final = system("demo")
KEY_CUSTOMER: Final = "C1001"
KEY_NAME: Final = "演示密钥"
_KEY_SCOPES: Final = frozenset({"orders", "track", "events", "labels", "webhooks"})
VANS: Final = ("沪A7D201", "川A7D202")
"""Not on any line: they bring goods to the door."""


def home() -> Home:
    return Home(Path(settings.ZAITU_HOME))


def password() -> str:
    """Every demo user's first password, made once per home."""
    return home().secret("demo_password").replace("-", "x").replace("_", "y")[:14]


def company_make(since: datetime) -> None:
    """Make everything; `since` is when the terminals were fitted. Once per home: a second call would only repeat itself."""
    network.company_put(actor=ACTOR, company=network.CompanyView(name=COMPANY))
    for code, name, hours, cold in PRODUCTS:
        network.product_put(
            actor=ACTOR, draft=network.ProductDraft(code=code, name=name, promise_hours=hours, cold=cold)
        )
    for place in STATIONS:
        network.station_put(
            actor=ACTOR,
            draft=network.StationDraft(
                code=place.code, name=place.name, kind=place.kind, province=place.province, city=place.city,
                address=place.address, lat=place.lat, lon=place.lon, radius_m=500,
            ),
        )  # fmt: skip
    _lines()
    for customer in CUSTOMERS:
        customers.customer_put(
            actor=ACTOR,
            draft=customers.CustomerDraft(
                code=customer.code, name=customer.name, email=f"logistics@{customer.domain}.example"
            ),
        )
    _trucks(since, driver_user=_staff())


def _lines() -> None:
    for road in ROADS:
        for line, name in ((road.code, road.name), (f"{road.code}-R", "–".join(road.name.split("–")[::-1]))):
            codes, minutes = stops(line), planned_min(line)
            last = len(codes) - 1
            network.line_put(
                actor=ACTOR,
                draft=network.LineDraft(
                    code=line,
                    name=name,
                    product=road.product,
                    points=points(line),
                    stops=tuple(
                        network.LineStopDraft(
                            station=code,
                            arrive_after_min=minutes[seq],
                            dwell_min=PLAN_DWELL_MIN if 0 < seq < last else 0,
                            key_node=0 < seq < last,
                        )
                        for seq, code in enumerate(codes)
                    ),
                ),
            )


def _staff() -> int:
    """Make the users; the id of the one who drives."""
    ids = {}
    for username, name, roles, station in STAFF:
        draft = access.UserDraft(
            username=username, name=name, roles=frozenset(roles), station_code=station, password=password()
        )
        ids[username] = access.user_create(actor=ACTOR, draft=draft).id
    return ids[DRIVER_USER]


def _trucks(since: datetime, *, driver_user: int) -> None:
    for truck in trucks():
        network.vehicle_put(
            actor=ACTOR,
            draft=network.VehicleDraft(
                plate=truck.plate,
                kind="truck",
                temp_controlled=truck.cold,
                capacity_kg=18_000,
                capacity_m3=58.0,
            ),
        )
        who = person("driver", truck.driver)
        first = truck.driver == "D001"
        network.driver_put(
            actor=ACTOR,
            draft=network.DriverDraft(
                code=truck.driver,
                name=STAFF[4][1] if first else who.name,
                phone=who.phone,
                user_id=driver_user if first else None,
            ),
        )
        telemetry.terminal_create(
            actor=ACTOR,
            terminal=truck.terminal,
            kind="jt808",
            plate=truck.plate,
            from_at=since - timedelta(days=1),
        )
    for plate in VANS:
        network.vehicle_put(
            actor=ACTOR, draft=network.VehicleDraft(plate=plate, kind="van", capacity_kg=1_500)
        )


def api_key() -> str:
    """The demo customer's key; issued once, kept in the home's secrets, and replaced when that file is gone."""
    path = home().path / "secrets" / "demo_api_key"
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    for key in access.keys_list(actor=ACTOR, customer_code=KEY_CUSTOMER).rows:
        if key.name == KEY_NAME and key.revoked_at is None:
            access.key_revoke(actor=ACTOR, prefix=key.prefix)
    _, raw = access.key_issue(actor=ACTOR, customer_code=KEY_CUSTOMER, name=KEY_NAME, scopes=_KEY_SCOPES)
    aside = path.with_name(f"demo_api_key.{secrets.token_hex(4)}")
    aside.touch(mode=0o600)
    aside.write_text(raw, encoding="ascii")
    aside.replace(path)
    return raw
