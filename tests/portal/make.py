"""Plain makers: shipments with documents straight into the tables, vehicles with fixes, and one web server in a thread."""

import contextlib
import socket
import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tests.journey import facts
from zaitu.customers.public import ContactDraft, CustomerDraft, contact_put, customer_put, tail_indexes
from zaitu.journey.domain.document import build
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.kernel.waybills import waybill_make

ACTOR = system("tests")
ROUTE = [[31.15, 121.12], [30.9, 118.5], [30.58, 114.27], [30.7, 109.5], [30.88, 104.25]]
CONSIGNEE_TAIL = "5678"
CONSIGNOR_TAIL = "4321"


def customer(code: str = "C001", name: str = "顺达电器") -> str:
    return customer_put(actor=ACTOR, draft=CustomerDraft(code=code, name=name)).code


def contact(name: str, phone: str, city: str, address: str, email: str = "") -> int:
    return contact_put(
        actor=ACTOR, draft=ContactDraft(name=name, phone=phone, city=city, address=address, email=email)
    )


def vehicle(plate: str = "沪A12345") -> Any:
    from zaitu.network.models import Vehicle

    return Vehicle.objects.get_or_create(plate=plate, defaults={"kind": "truck"})[0]


def fix(
    car: Any, lat: float, lon: float, *, trip: str = "", at: Any = None, along_m: float | None = None
) -> None:
    from zaitu.telemetry.models import VehicleState

    at = at or clock.now()
    VehicleState.objects.update_or_create(
        vehicle=car,
        defaults={
            "at": at,
            "received_at": at,
            "lat": lat,
            "lon": lon,
            "speed_kmh": 72.0,
            "course_deg": 270,
            "trip": trip,
            "along_m": along_m,
            "off_m": 0.0,
        },
    )


def shipment(*, customer_code: str = "", car: Any = None, **more: Any) -> SimpleNamespace:
    """A shipment on the road from Shanghai to Chengdu with its document; `more` goes into the DocumentInput."""
    from zaitu.journey.models import Order, Shipment, Trip

    now = clock.now()
    waybill = waybill_make("ZT")
    trip = None
    if car is not None:
        trip = Trip.objects.create(
            ref=f"T{waybill[-9:]}",
            line_code="SHA-CTU",
            line_name="上海–武汉–成都",
            vehicle=car,
            plate=car.plate,
            state="running",
            departs_at=now - timedelta(hours=16),
            started_at=now - timedelta(hours=16),
            points=ROUTE,
            length_m=1_640_000,
            created_by="tests",
            created_at=now,
        )
    input_ = facts.facts(**({"waybill": waybill, "status_at": now, "updated_at": now} | more))
    order = Order.objects.create(
        customer_code=customer_code, fingerprint="f", product="STD", created_by="tests", created_at=now
    )
    row = Shipment.objects.create(
        waybill=waybill,
        order=order,
        customer_code=customer_code,
        product="STD",
        from_station="SHA01",
        to_station="CTU01",
        consignor_contact=contact("李发货", "13900004321", "上海", "青浦区华新镇 1 号"),
        consignee_contact=contact("王小明", "13812345678", "成都", "青白江区城厢镇 8 号"),
        consignor_tail=tail_indexes(CONSIGNOR_TAIL)[0],
        consignee_tail=tail_indexes(CONSIGNEE_TAIL)[0],
        pieces_total=30,
        weight_kg=900,
        volume_m3=3,
        goods="配件",
        ordered_at=now,
        status=input_.status.value,
        detail=input_.detail.value,
        status_at=now,
        final=input_.final,
        trip=trip,
        vehicle=car,
        version=input_.version,
        changed_at=now,
        document=build(input_),
    )
    return SimpleNamespace(
        waybill=waybill, row=row, trip=trip.ref if trip else "", vehicle_id=car.pk if car else None
    )


def forwarded(one: SimpleNamespace, number: str, carrier: str = "顺丰") -> str:
    """A partner carries it under this number."""
    from zaitu.journey.domain.partner_numbers import partner_number
    from zaitu.journey.models import NumberLink

    NumberLink.objects.create(
        shipment=one.row, number=number, plain=partner_number(number), carrier=carrier, created_at=clock.now()
    )
    return number


def changed(one: SimpleNamespace, **more: Any) -> None:
    """Rewrite the document and tell it as the outbox relay does."""
    from django.db import connection

    version = one.row.version + 1
    input_ = facts.facts(**({"waybill": one.waybill, "version": version} | more))
    one.row.version = version
    one.row.final = input_.final
    one.row.document = build(input_)
    one.row.save(update_fields=["version", "final", "document"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('zaitu_changed', %s)", [f'["shipment:{one.waybill}"]'])


@contextlib.contextmanager
def server() -> Any:
    """The product's own ASGI application behind uvicorn on a free port; yields its address."""
    import uvicorn

    from zaitu.config import static

    static.collect()
    from zaitu.config.asgi import application
    from zaitu.config.ready import ReadyHttp
    from zaitu.portal import hot

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        http=ReadyHttp.asking(hot.application.ready),
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    running = uvicorn.Server(config)
    running.install_signal_handlers = lambda: None
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not running.started:
        assert thread.is_alive(), "the web server did not start"
        assert time.monotonic() < deadline, "the web server did not start in 20 s"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(10)
