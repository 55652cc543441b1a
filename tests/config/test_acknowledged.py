"""What was acknowledged is there, once, whatever is killed while it is being acknowledged."""

import itertools
import json
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime

import httpx
import pytest

from tests.running import until

pytestmark = pytest.mark.fault
PASSWORD = "xiexie-zai-tu-8"
_COMPANY = f"""
import json
from zaitu.access import public as access
from zaitu.customers import public as customers
from zaitu.kernel.principal import system
from zaitu.network import public as network
actor = system("test")
for code, city, lat, lon in (("SHQP", "上海", 31.2, 121.5), ("CDLQ", "成都", 30.6, 104.1)):
    network.station_put(actor=actor, draft=network.StationDraft(code=code, name=city, city=city, lat=lat, lon=lon))
network.product_put(actor=actor, draft=network.ProductDraft(code="STD", name="零担", promise_hours=72))
customers.customer_put(actor=actor, draft=customers.CustomerDraft(code="ACME", name="艾可"))
_, key = access.key_issue(actor=actor, customer_code="ACME", name="t", scopes=frozenset({{"orders", "events"}}), rate_per_min=60_000)
access.user_create(actor=actor, draft=access.UserDraft(
    username="cangku", name="赵", roles=frozenset({{"warehouse"}}), station_code="SHQP", password="{PASSWORD}"))
print(json.dumps(key))
"""


def party(name):
    return {"name": name, "phone": "13812345678", "city": "上海", "address": "人民路 1 号"}


class Customer:
    """Sends orders and scans their pieces, each again with the same key until it is acknowledged."""

    def __init__(self, running, key):
        self.url, self.headers = running.url, {"Authorization": f"Bearer {key}"}
        self.stop = threading.Event()
        self.orders: dict[str, dict] = {}
        self.scans: dict[str, int] = {}
        self.again = 0
        self.trouble: list[Exception] = []

    def client(self):
        return httpx.Client(base_url=self.url, timeout=5, trust_env=False)

    def run(self):
        try:
            with self.client() as api, self.client() as phone:
                self.sign_in(phone)
                for number in itertools.count():
                    if self.stop.is_set():
                        return
                    order = self.acknowledged(lambda number=number: self.order(api, f"PO-{number}"))
                    self.orders[f"PO-{number}"] = order
                    action = self.action(order["pieces"][0])
                    answer = self.acknowledged(lambda action=action: self.scan(phone, action))
                    assert answer["result"]["level"] == "ok", answer
                    self.scans[order["pieces"][0]] = answer["result"]["event_id"]
        except Exception as error:
            self.trouble.append(error)

    def acknowledged(self, send):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                answer = send()
            except httpx.TransportError:
                answer = None  # killed before it answered: nobody knows whether it was done
            if answer is not None and answer.status_code < 500:
                assert answer.status_code in (200, 201), answer.text
                return answer.json()
            self.again += 1
            time.sleep(0.1)
        raise TimeoutError("never acknowledged")

    def order(self, api, client_ref):
        body = {
            "client_ref": client_ref, "product": "STD", "from_station": "SHQP", "to_station": "CDLQ",
            "consignor": party("李发货"), "consignee": party("王小明"),
            "pieces": 2, "weight_kg": 10, "volume_m3": 0.1, "goods": "样品",
        }  # fmt: skip
        return api.post("/api/v1/orders", json=body, headers=self.headers)

    def sign_in(self, phone):
        phone.get("/field/sign-in")
        phone.get("/field/api/session")
        form = {"username": "cangku", "password": PASSWORD, "csrfmiddlewaretoken": phone.cookies["csrftoken"]}
        assert phone.post("/field/sign-in", data=form).status_code == 302

    def action(self, label):
        return {
            "key": str(uuid.uuid4()), "kind": "collected", "code": label, "station": "SHQP", "trip": "",
            "at": datetime.now(UTC).isoformat(), "data": {},
        }  # fmt: skip

    def scan(self, phone, action):
        headers = {"X-CSRFToken": phone.cookies["csrftoken"]}
        return phone.post("/field/api/actions", json=action, headers=headers)


def test_every_acknowledged_order_and_scan_is_there_once_after_web_and_jobs_were_killed(installation):
    running = installation(new=False).up()
    made = running.run("shell", "-c", _COMPANY)
    assert made.returncode == 0, made.stderr
    customer = Customer(running, json.loads(made.stdout.strip().splitlines()[-1]))
    work = threading.Thread(target=customer.run)
    work.start()
    for part in ("web", "jobs", "web"):
        done = len(customer.scans)
        until(lambda done=done: len(customer.scans) > done + 5 or customer.trouble, 20)
        killed = running.child(part)
        killed.kill()
        until(lambda part=part, killed=killed: restarted(running, part, killed.pid))
    done = len(customer.scans)
    until(lambda: len(customer.scans) > done + 5 or customer.trouble, 20)
    customer.stop.set()
    work.join(40)
    assert customer.trouble == []
    assert customer.again > 0, "nothing was killed under way"
    with customer.client() as api:
        for client_ref, order in customer.orders.items():
            again = customer.order(api, client_ref)
            assert (again.status_code, again.json()["waybill"]) == (200, order["waybill"])
            path = f"/api/v1/shipments/{order['waybill']}/events"
            events = api.get(path, headers=customer.headers).json()["events"]
            kinds = Counter(event["kind"] for event in events)
            label = order["pieces"][0]
            assert kinds == Counter(ordered=1, collected=1)
            assert customer.scans[label] in {event["id"] for event in events}


def restarted(running, part, before):
    try:
        return running.child(part).pid != before
    except LookupError:
        return False
