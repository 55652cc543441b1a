"""One shipment from order to signature through everything real: the console, bytes over TCP, the field app, mail and a webhook.

The installation is new and empty; the consignee's page is opened once and never loaded again.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from tests.browser.conftest import DESKTOP, PHONE
from tests.field.make import picture
from tests.notify.receivers import HttpReceiver, MailServer, http_receiver, mail_server
from tests.running import Installation, until
from tests.telemetry.make import Wire
from zaitu.kernel import clock
from zaitu.telemetry.codecs.jt808.encode import Place, Registration

TERMINAL = "013900007777"
PLATE = "沪A88888"
FILES = {
    "products": "产品编码,产品名称,承诺时效(小时),冷链\nLTL,标准零担,24,否\n",
    "stations": (
        "站点编码,站点名称,类型,城市,省份,纬度,经度,围栏半径(米)\n"
        "QP,青浦仓,中转场,上海,上海,31.1510,121.1240,400\n"
        "KS,昆山中转站,中转场,苏州,江苏,31.3850,120.9810,400\n"
        "SZ,苏州网点,网点,苏州,江苏,31.2990,120.5850,400\n"
    ),
    "lines": (
        "线路编码,线路名称,产品编码,站序,站点编码,到达用时(分),停留(分),重点站\n"
        "SH-SZ,上海–苏州,LTL,0,QP,0,0,否\n"
        "SH-SZ,上海–苏州,LTL,1,KS,60,20,是\n"
        "SH-SZ,上海–苏州,LTL,2,SZ,320,0,否\n"
    ),
    "vehicles": f"车牌号,车型,载重(公斤)\n{PLATE},厢式货车,8000\n",
    "drivers": "司机编码,姓名,手机号\nD01,周师傅,13700008888\n",
}
STOPS = ((31.1510, 121.1240), (31.3850, 120.9810), (31.2990, 120.5850))


class Company(Installation):
    mail: MailServer
    hook: HttpReceiver
    administrator: tuple[str, str]


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    place = Path(tempfile.mkdtemp(prefix="zaitu-journey-"))
    place.chmod(0o711)
    with mail_server() as mail, http_receiver() as hook:
        running = Company(
            place / "home",
            smtp_url=mail.url,
            webhook_private_allowed=True,
            mail_from="顺驰物流 <no@sc.example>",
        )
        running.mail, running.hook = mail, hook
        try:
            said = running.run("init", "--company", "顺驰物流", "--admin", "boss", "--name", "王总")
            assert said.returncode == 0, said.stderr
            password = re.search(r"初始密码\s+(\S+?)（", said.stdout)
            assert password, said.stdout
            running.administrator = ("boss", password[1])
            running.up()
            yield running
        finally:
            running.ensure_stopped()
            shutil.rmtree(place, ignore_errors=True)


def sign_in(page: Page, door: str, user: str, password: str) -> None:
    page.goto(f"{door}/sign-in")
    page.get_by_label("用户名").fill(user)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile(f"{door}/(#/)?$"))


class Console:
    """What the office does, in its own words."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def bring_in(self, kind: str, text: str) -> None:
        self.page.goto(f"/console/network/{kind}/import")
        self.page.set_input_files(
            "input[name=file]", {"name": f"{kind}.csv", "mimeType": "text/csv", "buffer": text.encode()}
        )
        self.page.get_by_role("button", name="开始导入").click()
        expect(self.page.get_by_text(re.compile(r"新增 [1-9]"))).to_be_visible()
        expect(self.page.locator("#errors")).to_have_count(0)

    def fill(self, path: str, button: str, **values: str) -> None:
        self.page.goto(path)
        for name, value in values.items():
            self.page.locator(f"[name='{name.replace('__', '.')}']").fill(value)
        self.page.get_by_role("button", name=button).click()

    def hire(self, username: str, role: str, station: str) -> str:
        password = f"pass-of-{username}-2026"
        self.page.goto("/console/users/new")
        for name, value in {"username": username, "name": username, "station_code": station}.items():
            self.page.locator(f"[name={name}]").fill(value)
        self.page.locator(f"[name=roles][value={role}]").check()
        self.page.locator("[name=password]").fill(password)
        self.page.get_by_role("button", name="保存").click()
        expect(self.page.get_by_text(username).first).to_be_visible()
        return password


class Truck(Wire):
    """A 2013 terminal that drives from stop to stop."""

    def drive(self, *places: tuple[float, float], speed_kmh: float = 60.0) -> None:
        for lat, lon in places:
            time.sleep(1.1)  # a terminal's clock has whole seconds
            told = self.uplink.position(Place(time=clock.now(), lat=lat, lon=lon, speed_kmh=speed_kmh))
            assert self.result(told) == 0

    def between(self, a: int, b: int, share: float) -> tuple[float, float]:
        (lat1, lon1), (lat2, lon2) = STOPS[a], STOPS[b]
        return lat1 + (lat2 - lat1) * share, lon1 + (lon2 - lon1) * share


def scan(page: Page, kind: str, code: str, trip: str = "") -> None:
    page.goto("/field/#/")
    page.locator(f"[data-kind={kind}]").click()
    if trip:
        page.locator(f"[data-trip='{trip}']").click()
    page.get_by_role("textbox", name=re.compile("运单号")).wait_for()
    page.keyboard.type(code, delay=2)
    page.keyboard.press("Enter")
    expect(page.locator(f"#result[data-level=ok][data-code='{code}']")).to_be_visible()


def test_a_shipment_from_order_to_signature_moves_by_itself_on_the_customers_page(company, open_page, shot):
    office = Console(open_page(DESKTOP, base_url=company.url))
    sign_in(office.page, "/console", *company.administrator)
    passwords, secret = set_up(company, office)
    waybill = order(office)
    customer = open_page(PHONE, base_url=company.url)
    customer.goto(f"/t/{waybill}")
    status = customer.locator("#live [data-state]").first
    expect(status).to_have_text("已下单")
    expect(customer.locator(".eta-window").first).to_have_text(re.compile(r"\d\d:\d\d"))
    shot(customer, "journey-1-ordered")
    customer.evaluate("window.loadedOnce = true")
    trip = plan(office, waybill)
    truck = adopt(company, office)
    truck.drive(STOPS[0], STOPS[0], speed_kmh=0)

    depot = open_page(PHONE, base_url=company.url)
    sign_in(depot, "/field", "cangku", passwords["cangku"])
    for piece in ("001", "002"):
        scan(depot, "collected", f"{waybill}-{piece}")
    expect(status).to_have_text("待发车")
    for piece in ("001", "002"):
        scan(depot, "loaded", f"{waybill}-{piece}", trip)
    expect(depot.locator("#total")).to_contain_text("2/2")

    truck.drive(*(truck.between(0, 1, share) for share in (0.05, 0.1, 0.3, 0.6)))
    expect(status).to_have_text(re.compile("在途|即将送达"), timeout=40_000)
    expect(customer.locator("#place")).to_contain_text("误差 1 公里内")
    was = markers(customer)
    truck.drive(truck.between(0, 1, 0.9), STOPS[1], STOPS[1])
    expect(customer.locator("#live")).to_contain_text("昆山中转站", timeout=40_000)
    shot(customer, "journey-2-on-the-road")
    truck.drive(*(truck.between(1, 2, share) for share in (0.05, 0.1, 0.5, 0.9)))
    moved(customer, was)
    expect(status).to_have_text("即将送达", timeout=90_000)  # a timer looks every 30 seconds
    truck.drive(STOPS[2], STOPS[2])
    expect(status).to_have_text("已到达", timeout=40_000)

    here = {"latitude": 31.299, "longitude": 120.585, "accuracy": 12}
    driver = open_page(PHONE, base_url=company.url, permissions=["geolocation"], geolocation=here)
    sign_in(driver, "/field", "siji", passwords["siji"])
    for piece in ("001", "002"):
        scan(driver, "unloaded", f"{waybill}-{piece}", trip)
    deliver(driver, waybill)
    expect(status).to_have_text("已签收", timeout=40_000)
    assert customer.evaluate("window.loadedOnce"), "the customer's page was loaded again"
    shot(customer, "journey-3-signed")

    assert "王" not in customer.content()
    customer.locator("#tail").fill("5678")
    customer.get_by_role("button", name="查看").click()
    expect(customer.locator("#details img")).to_have_count(2)
    shot(customer, "journey-4-proof", whole=True)
    office.page.goto(f"/console/shipments/{waybill}")
    expect(office.page.locator("body")).to_contain_text("<b>数控刀具</b>")
    shot(office.page, "journey-5-console", whole=True)
    told(company, waybill, secret)


def markers(customer: Page) -> tuple[str, str]:
    """Where the truck is drawn: on the map, and on the line above it."""
    truck = customer.locator("#sketch-truck")
    expect(truck).to_be_visible()
    return truck.get_attribute("transform") or "", customer.locator(".strip-truck").get_attribute(
        "style"
    ) or ""


def moved(customer: Page, was: tuple[str, str]) -> None:
    """Strangers are told once a minute."""
    expect(customer.locator("#sketch-truck")).not_to_have_attribute("transform", was[0], timeout=90_000)
    expect(customer.locator(".strip-truck")).not_to_have_attribute("style", was[1])


def set_up(company: Company, office: Console) -> tuple[dict[str, str], str]:
    """Files in, people hired, a customer with a webhook; passwords by user and the webhook's secret."""
    for kind, text in FILES.items():
        office.bring_in(kind, text)
    passwords = {
        "cangku": office.hire("cangku", "warehouse", "QP"),
        "siji": office.hire("siji", "driver", "SZ"),
    }
    office.fill("/console/customers/new", "保存", code="ACME", name="埃克米机械")
    office.fill("/console/webhooks", "添加", customer_code="ACME", url=company.hook.url)
    return passwords, office.page.locator(".secret code").inner_text()


def order(office: Console) -> str:
    office.fill(
        "/console/orders/new",
        "确认下单",
        from_station="QP",
        consignor__name="李发货",
        consignor__phone="13900001111",
        consignor__city="上海",
        consignor__address="青浦区华新镇",
        to_station="SZ",
        consignee__name="王小明",
        consignee__phone="13812345678",
        consignee__city="苏州",
        consignee__address="姑苏区人民路 1 号 302 室",
        consignee__email="wang@example.cn",
        goods="<b>数控刀具</b>",
        pieces="2",
        weight_kg="120",
        customer_code="ACME",
    )
    return office.page.locator("#waybill").inner_text()


def plan(office: Console, waybill: str) -> str:
    office.fill("/console/trips/new", "安排", line="SH-SZ", plate=PLATE, driver_code="D01")
    office.page.wait_for_url(re.compile(r"/console/trips/T\d"))
    trip = office.page.url.rsplit("/", 1)[1]
    office.page.locator("[name=typed]").fill(waybill)
    office.page.get_by_role("button", name="配到这趟车").click()
    expect(office.page.locator("#sheet")).to_contain_text(waybill)
    return trip


def adopt(company: Company, office: Console) -> Truck:
    """A terminal nobody knew is refused, let in by the administrator, and then registers."""
    stranger = Truck(company.jt808_port, TERMINAL)
    assert stranger.ask(stranger.uplink.register(Registration(plate=PLATE))).fields["result"] == 4
    office.page.goto("/console/terminals")
    office.page.locator("#unknown").get_by_role("button", name="接入").click()
    expect(office.page.get_by_text("没有等待接入的终端")).to_be_visible()
    truck = Truck(company.jt808_port, TERMINAL)
    truck.sign_in(Registration(plate=PLATE))
    return truck


def deliver(driver: Page, waybill: str) -> None:
    driver.goto("/field/#/")
    driver.locator("[data-kind=signed]").click()
    driver.get_by_role("textbox", name=re.compile("运单号")).wait_for()
    driver.keyboard.type(waybill, delay=2)
    driver.keyboard.press("Enter")
    driver.get_by_label("签收人姓名").fill("王小明")
    box = driver.locator("#pad").bounding_box()
    assert box
    driver.mouse.move(box["x"] + 40, box["y"] + 60)
    driver.mouse.down()
    for step in range(1, 10):
        driver.mouse.move(box["x"] + 40 + step * 20, box["y"] + 60 + step % 3 * 20)
    driver.mouse.up()
    driver.locator("#photo-input").set_input_files(
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(1200, 900))}
    )
    driver.locator("#confirm").click()
    expect(driver.locator(f"#result[data-level=ok][data-code='{waybill}']")).to_be_visible()


def told(company: Company, waybill: str, secret: str) -> None:
    """Each key node came once, by mail and by a verified webhook."""
    kinds = {"accepted", "departed", "stop", "soon", "signed"}
    until(lambda: len(company.hook.got) >= len(kinds) and len(company.mail.mails) >= len(kinds))
    heard = []
    for got in company.hook.got:
        Webhook(secret).verify(got.body, got.headers)
        heard.append(json.loads(got.body)["type"].rsplit(".", 1)[-1])
    assert sorted(heard) == sorted(kinds)
    mails = company.mail.mails
    assert len(mails) == len(heard)
    assert {mail["to"] for mail in mails} == {"wang@example.cn"}
    assert len({mail["message-id"] for mail in mails}) == len(heard)
    for mail in mails:
        body = mail.get_body(("plain",))
        assert body
        assert f"/t/{waybill}?k=" in body.get_content()
