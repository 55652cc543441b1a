"""The field app in a real browser: a parcel's whole way by typing and by scanner, without network, and with a camera."""

import os
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.access import make as people
from tests.journey import make as journey_make
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent
from zaitu.kernel.principal import system

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEST = system("test")
DEVICE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
    "timezone_id": "Asia/Shanghai",
    "permissions": ["geolocation", "camera"],
    "geolocation": {"latitude": 31.2304, "longitude": 121.4737, "accuracy": 15},
}
HEARD = """
  window.heard = [];
  const real = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    const tone = real.call(this);
    const start = tone.start.bind(tone);
    tone.start = (at) => { window.heard.push(tone.type + Math.round(tone.frequency.value)); start(at); };
    return tone;
  };
  window.shaken = [];
  navigator.vibrate = (pattern) => { window.shaken.push(pattern.join("-")); return true; };
"""


@pytest.fixture(scope="session", autouse=True)
def django_beside_playwright():
    """Playwright runs an event loop in this thread, and Django would refuse the database beside it, to the session's end."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture
def order():
    journey_make.carrier()
    return journey_make.order(pieces=3, items=(("KN-1", "刀具", 10),))


@pytest.fixture
def trip(order):
    return journey_make.on_trip(order.waybill)


@pytest.fixture
def field_phone(chromium, live_server):
    """Opens phones: signed-in pages. What a page's console complained of fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_phone(*roles, username, station="SHQP", on=chromium, **options) -> Page:
        people.user(*roles, username=username, station_code=station, name="赵师傅")
        context = on.new_context(base_url=live_server.url, **DEVICE, **options)
        opened.append(context)
        context.add_init_script(HEARD)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        sign_in(page, username)
        return page

    yield open_phone
    for context in opened:
        context.close()
    harmless = re.compile(
        r"Failed to load resource: (net::ERR_INTERNET_DISCONNECTED|the server responded with a status of (4|5)\d\d)"
    )
    assert [line for line in complaints if not harmless.search(line)] == []


def sign_in(page: Page, username: str) -> None:
    page.goto("/field/sign-in")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(people.PASSWORD)
    page.get_by_role("button", name="登录").click()
    ready(page)


def ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready]")


def tile(page: Page, kind: str) -> None:
    page.goto("/field/#/")
    page.locator(f"[data-kind={kind}]").click()


def typed(page: Page, code: str) -> None:
    page.get_by_role("textbox", name=re.compile("运单号")).fill(code)
    page.get_by_role("button", name="录入").click()


def wedge(page: Page, code: str) -> None:
    """As a PDA types: keys a few milliseconds apart, then Enter, wherever the focus is."""
    page.keyboard.type(code, delay=2)
    page.keyboard.press("Enter")


def answered(page: Page, level: str, code: str = "") -> None:
    place = f"#result[data-level={level}]" + (f"[data-code='{code}']" if code else "")
    expect(page.locator(place)).to_be_visible(timeout=10_000)


def uploaded(page: Page) -> None:
    expect(page.locator("#badge")).to_have_text("已全部上传", timeout=15_000)


def kinds(waybill):
    return [
        one.kind for one in reversed(journey.events_of(actor=TEST, waybill=waybill)) if one.source == "scan"
    ]


def draw(page: Page) -> None:
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 40 + step * 18, box["y"] + 60 + (step % 3) * 25)
    page.mouse.up()


def test_a_parcel_goes_all_its_way_by_typing_and_by_scanner(field_phone, order, trip, shot):
    page = field_phone("warehouse", username="cangku")
    shot(page, "field-home", whole=True)
    first, second, third = order.pieces
    tile(page, "collected")
    typed(page, first)
    answered(page, "ok", first)
    wedge(page, second)
    answered(page, "ok", second)
    wedge(page, third)
    answered(page, "ok", third)
    expect(page.locator("#result .f-count")).to_contain_text("3/3")
    assert page.evaluate("window.heard") == ["sine1760"] * 3
    shot(page, "field-collected", whole=True)
    for kind in ("inbound", "sorted"):
        tile(page, kind)
        for label in order.pieces:
            wedge(page, label)
            answered(page, "ok", label)
    tile(page, "rechecked")
    wedge(page, order.waybill)
    page.get_by_role("textbox", name="实点件数").fill("3")
    page.get_by_role("textbox", name="刀具 实点数量").fill("10")
    shot(page, "field-recheck", whole=True)
    page.locator("#confirm").click()
    answered(page, "ok")
    tile(page, "loaded")
    shot(page, "field-trips", whole=True)
    page.locator(f"[data-trip='{trip.ref}']").click()
    expect(page.locator("#total")).to_contain_text("0/3")
    for number, label in enumerate(order.pieces, start=1):
        wedge(page, label)
        answered(page, "ok", label)
        expect(page.locator("#total")).to_contain_text(f"{number}/3")
        if number == 2:
            expect(page.locator("#total")).to_contain_text("还差 1 件")
            shot(page, "field-loading", whole=True)
    expect(page.locator("#total")).to_contain_text("齐了")
    tile(page, "departed")
    page.locator(f"[data-trip='{trip.ref}']").click()
    shot(page, "field-depart", whole=True)
    page.locator("#confirm").click()
    answered(page, "ok")

    driver = field_phone("driver", username="siji", station="CDQB")
    tile(driver, "arrived")
    driver.locator(f"[data-trip='{trip.ref}']").click()
    driver.locator("#stop").select_option("CDQB")
    driver.locator("#confirm").click()
    answered(driver, "ok")
    tile(driver, "unloaded")
    driver.locator(f"[data-trip='{trip.ref}']").click()
    for label in order.pieces:
        wedge(driver, label)
        answered(driver, "ok", label)
    inspector = field_phone("warehouse", username="yanshou", station="CDQB")
    tile(inspector, "inspected")
    wedge(inspector, order.waybill)
    answered(inspector, "ok", order.waybill)
    tile(driver, "signed")
    wedge(driver, order.pieces[0])
    expect(driver.locator("#consignee")).to_contain_text("王小明")
    driver.get_by_label("签收人姓名").fill("王小明")
    draw(driver)
    driver.locator("#photo-input").set_input_files(
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    expect(driver.locator("#photos img")).to_have_count(1)
    shot(driver, "field-sign", whole=True)
    driver.locator("#confirm").click()
    answered(driver, "ok", order.waybill)
    shot(driver, "field-signed", whole=True)
    uploaded(driver)
    view = journey.shipment_page(actor=TEST, waybill=order.waybill)
    assert view.row.status == "signed"
    (proof,) = view.proofs
    assert (len(proof.photos), bool(proof.signature), proof.lat) == (1, True, 31.2304)
    assert kinds(order.waybill)[-1] == "signed"


def photo() -> bytes:
    from tests.field.make import picture

    return picture(size=(2400, 1800))


def test_a_mistyped_number_is_caught_on_the_phone_and_never_sent(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    wrong = order.waybill[:-1] + str((int(order.waybill[-1]) + 1) % 10)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    typed(page, wrong)
    expect(page.get_by_text("运单号有误，请核对后重新录入")).to_be_visible()
    assert page.evaluate("window.heard") == ["square196", "square185"]
    assert not [url for url in requests if "actions" in url]


def test_right_look_and_wrong_sound_and_feel_different(field_phone, order, trip, shot):
    page = field_phone("warehouse", username="cangku")
    other = journey_make.order(pieces=1)
    page.goto(f"/field/#/scan/loaded?trip={trip.ref}&station=SHQP")
    wedge(page, order.pieces[0])
    answered(page, "ok")
    wedge(page, other.waybill)
    answered(page, "warn")
    expect(page.locator("#result")).to_contain_text("未配载")
    shot(page, "field-warn", whole=True)
    wedge(page, "ZT0000000000000")
    answered(page, "wrong")
    shot(page, "field-wrong", whole=True)
    assert page.evaluate("window.shaken") == ["60", "80-80-80", "400-100-400"]
    assert page.evaluate("window.heard") == ["sine1760", "sine880", "sine880", "square196", "square185"]


def test_a_scan_into_a_field_does_not_stay_in_it(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    field = page.get_by_role("textbox", name=re.compile("运单号"))
    field.fill("abc")
    field.focus()
    wedge(page, order.pieces[0])
    answered(page, "ok", order.pieces[0])
    expect(field).to_have_value("")
    assert kinds(order.waybill) == ["collected"]


def test_the_last_scan_can_be_undone(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    wedge(page, order.pieces[0])
    answered(page, "ok")
    page.locator("#undo").click()
    expect(page.get_by_text("已撤销")).to_be_visible()
    uploaded(page)
    wedge(page, order.pieces[1])
    answered(page, "ok", order.pieces[1])
    expect(page.locator("#result .f-count")).to_contain_text("1/3")


def test_without_network_work_goes_on_survives_a_reload_and_is_applied_once_in_order(
    field_phone, order, trip, shot
):
    page = field_phone("warehouse", username="cangku")
    page.wait_for_function(
        "navigator.serviceWorker.controller !== null || navigator.serviceWorker.ready.then(() => true)"
    )
    page.reload()
    ready(page)
    page.goto(f"/field/#/scan/loaded?trip={trip.ref}&station=SHQP")
    expect(page.locator("#total")).to_contain_text("0/3")
    page.context.set_offline(True)
    for label in order.pieces:
        wedge(page, label)
        answered(page, "wait", label)
    expect(page.locator("#badge")).to_have_text("待上传 3")
    expect(page.locator("#total")).to_contain_text("3/3")
    expect(page.get_by_text("没有网络，照常操作")).to_be_visible()
    shot(page, "field-offline", whole=True)
    assert kinds(order.waybill) == []
    page.reload()
    ready(page)
    expect(page.locator("#badge")).to_have_text("待上传 3")
    page.context.set_offline(False)
    uploaded(page)
    assert kinds(order.waybill) == ["loaded"] * 3
    times = list(
        JourneyEvent.objects.filter(source="scan").order_by("id").values_list("piece__label", flat=True)
    )
    assert times == list(order.pieces)


def test_an_answer_lost_on_the_way_does_not_apply_a_scan_twice(field_phone, order):
    page = field_phone("warehouse", username="cangku", service_workers="block")  # routes do not see past one
    tile(page, "collected")
    lost = []

    def lose_the_answer(route):
        if len(lost) < 2:
            lost.append(route.fetch().status)  # the server has done it; the phone never hears
            route.abort()
        else:
            route.continue_()

    page.route("**/field/api/actions", lose_the_answer)
    wedge(page, order.pieces[0])
    uploaded(page)
    assert lost == [200, 200]
    assert kinds(order.waybill) == ["collected"]


def test_a_scan_undone_before_it_was_sent_never_leaves_the_phone(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    page.locator("#undo").click()
    expect(page.locator("#badge")).to_have_text("已全部上传")
    page.context.set_offline(False)
    wedge(page, order.pieces[1])
    answered(page, "ok", order.pieces[1])
    assert kinds(order.waybill) == ["collected"]
    assert JourneyEvent.objects.get(source="scan").piece.label == order.pieces[1]


def test_a_signature_with_photo_made_without_network_arrives_whole(field_phone, order):
    page = field_phone("driver", username="siji", station="CDQB")
    tile(page, "signed")
    page.context.set_offline(True)
    wedge(page, order.waybill)
    expect(page.get_by_text("没有网络，照常填写")).to_be_visible()
    page.get_by_label("签收人姓名").fill("李邻居")
    page.get_by_text("他人代收").click()
    draw(page)
    page.locator("#photo-input").set_input_files(
        {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    expect(page.locator("#photos img")).to_have_count(1)
    page.locator("#confirm").click()
    answered(page, "wait")
    page.context.set_offline(False)
    uploaded(page)
    (proof,) = journey.shipment_page(actor=TEST, waybill=order.waybill).proofs
    assert (proof.relation, len(proof.photos), bool(proof.signature)) == ("on_behalf", 1, True)
