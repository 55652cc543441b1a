"""Makers: the places and things of a small carrier, stored through the room's own door."""

from datetime import UTC, datetime

from zaitu.kernel.principal import system
from zaitu.network import public as network

SHANGHAI = (31.2304, 121.4737)
WUHAN = (30.5928, 114.3055)
CHENGDU = (30.5728, 104.0668)
AT = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
TEST = system("test")
ALWAYS = (0, 1440)
"""Goods are taken at any hour, so that no estimate depends on the hour at which the tests run."""


def station(code="SHQP", name="上海青浦仓", place=SHANGHAI, **fields):
    draft = network.StationDraft(
        **{
            "code": code, "name": name, "city": "上海", "lat": place[0], "lon": place[1],
            "delivery_hours": ALWAYS, **fields,
        }
    )  # fmt: skip
    return network.station_put(actor=TEST, draft=draft)


def three_stations():
    """上海, 武汉 and 成都, as SHQP, WHDX and CDQB."""
    return (
        station(),
        station("WHDX", "武汉东西湖中转站", WUHAN, city="武汉", kind="hub"),
        station("CDQB", "成都青白江站", CHENGDU, city="成都"),
    )


def stop(station, after_min, **fields):
    return network.LineStopDraft(station=station, arrive_after_min=after_min, **fields)


def line_draft(**fields):
    """上海–武汉–成都, straight, unless the fields say otherwise."""
    stops = (stop("SHQP", 0), stop("WHDX", 600, dwell_min=60, key_node=True), stop("CDQB", 1500))
    return network.LineDraft(**{"code": "SH-CD", "name": "上海–武汉–成都", "stops": stops, **fields})


def line(**fields):
    """With its three stations."""
    three_stations()
    return network.line_put(actor=TEST, draft=line_draft(**fields))


def vehicle(plate="沪A12345", **fields):
    return network.vehicle_put(actor=TEST, draft=network.VehicleDraft(plate=plate, **fields))


def driver(code="D001", name="王师傅", phone="13812345678", **fields):
    return network.driver_put(
        actor=TEST, draft=network.DriverDraft(code=code, name=name, phone=phone, **fields)
    )


def product(code="LTL", name="零担快运", promise_hours=48, **fields):
    draft = network.ProductDraft(code=code, name=name, promise_hours=promise_hours, **fields)
    return network.product_put(actor=TEST, draft=draft)


def bind(terminal, plate, from_at=AT):
    network.terminal_bind(actor=TEST, terminal=terminal, plate=plate, from_at=from_at)
