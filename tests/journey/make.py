"""Makers: a small carrier with a line, a truck and orders, through the doors of the rooms."""

from datetime import timedelta
from itertools import count

from tests.customers import make as customers
from tests.field.make import picture
from tests.network import make as network
from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.kernel.principal import system

TEST = system("test")
PLATE = "沪A12345"
LINE = "SH-CD"
ORIGIN, HUB, DESTINATION = "SHQP", "WHDX", "CDQB"
_keys = count(1)


def carrier():
    """A line 上海–武汉–成都 (10 h, 1 h dwell, 14 h), a truck and a product."""
    network.line()
    network.vehicle(PLATE)
    network.product()


def party(**fields):
    return journey.PartyDraft(
        **{
            "name": "王小明",
            "phone": "13812345678",
            "city": "成都",
            "address": "锦江区红星路三段16号",
            "email": "wang@example.cn",
        }
        | fields
    )


def order_draft(**fields):
    return journey.OrderDraft(
        **{
            "product": "LTL",
            "from_station": ORIGIN,
            "to_station": DESTINATION,
            "consignor": party(name="李发货", phone="13900001111", city="上海", email=""),
            "consignee": party(),
            "pieces": 3,
            "weight_kg": 120.5,
            "volume_m3": 1.2,
            "goods": "数控刀具",
        }
        | fields
    )


def order(**fields):
    return journey.order_create(actor=TEST, draft=order_draft(**fields))


def customer(code="ACME", **fields):
    return customers.customer(code, **fields)


def trip(plate=PLATE, line=LINE, departs_in=timedelta(hours=1), **fields):
    draft = journey.TripDraft(line=line, plate=plate, departs_at=clock.now() + departs_in, **fields)
    return journey.trip_plan(actor=TEST, draft=draft)


def on_trip(*waybills, **fields):
    """A planned trip with these shipments on it."""
    planned = trip(**fields)
    return journey.trip_assign(actor=TEST, trip=planned.ref, waybills=waybills)


def draft(kind, code, station=ORIGIN, **fields):
    return journey.ScanDraft(
        **{
            "kind": kind,
            "code": code,
            "station_code": station,
            "at": clock.now(),
            "key": f"key-{next(_keys)}",
        }
        | fields
    )


def scan(kind, code, station=ORIGIN, *, actor=TEST, **fields):
    return journey.scan_record(actor=actor, draft=draft(kind, code, station, **fields))


def collected(**fields):
    """An order whose goods have been taken in at their origin."""
    made = order(**fields)
    scan("collected", made.waybill)
    return made


def signature(code):
    """The id of a signature kept for the shipment."""
    content = picture(encoding="PNG")
    return journey.file_store(actor=TEST, waybill=code, kind="signature", content=content)


def sign(code, station=DESTINATION, **data):
    proof = {"signer": "王小明", "relation": "consignee", "signature": signature(code)}
    return scan("signed", code, station, data={**proof, **data})


def page(waybill):
    return journey.shipment_page(actor=TEST, waybill=waybill)


def status(waybill):
    row = page(waybill).row
    return row.status, row.detail
