"""A parcel's whole way by typing and by scanner, and what the person with the scanner hears."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.field.hands import TEST, answered, draw, kinds, tile, typed, uploaded, wedge
from tests.field.make import picture
from tests.journey import make as journey_make
from zaitu.journey import public as journey

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_parcel_goes_all_its_way_by_typing_and_by_scanner(field_phone, order, trip, shot):
    page = field_phone("warehouse", username="cangku")
    expect(page.locator("#trips .f-trip")).to_be_visible()
    page.wait_for_load_state("networkidle")
    shot(page, "field-home", whole=True)
    collects(page, order, shot)
    prepares(page, order, shot)
    loads(page, order, trip, shot)
    departs(page, trip, shot)
    driver = field_phone("driver", username="siji", station="CDQB")
    arrives_and_unloads(driver, order, trip)
    inspector = field_phone("warehouse", username="yanshou", station="CDQB")
    tile(inspector, "inspected")
    wedge(inspector, order.waybill)
    answered(inspector, "ok", order.waybill)
    delivers(driver, order, shot)
    view = journey.shipment_page(actor=TEST, waybill=order.waybill)
    assert view.row.status == "signed"
    (proof,) = view.proofs
    assert (len(proof.photos), bool(proof.signature), proof.lat) == (1, True, 31.2304)
    assert kinds(order.waybill)[-1] == "signed"


def collects(page, order, shot):
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


def prepares(page, order, shot):
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


def loads(page, order, trip, shot):
    tile(page, "loaded")
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


def departs(page, trip, shot):
    tile(page, "departed")
    page.locator(f"[data-trip='{trip.ref}']").click()
    expect(page.locator("#summary")).to_contain_text("3/3")
    shot(page, "field-depart", whole=True)
    page.locator("#confirm").click()
    answered(page, "ok")


def arrives_and_unloads(driver, order, trip):
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


def delivers(driver, order, shot):
    # Who takes goods out is shown whom to bring them to.
    tile(driver, "out_for_delivery")
    wedge(driver, order.waybill)
    answered(driver, "ok", order.waybill)
    tile(driver, "signed")
    wedge(driver, order.pieces[0])
    expect(driver.locator("#consignee")).to_contain_text("王小明")
    driver.get_by_label("签收人姓名").fill("王小明")
    draw(driver)
    photo = {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(2400, 1800))}
    driver.locator("#photo-input").set_input_files(photo)
    expect(driver.locator("#photos img")).to_have_count(1)
    shot(driver, "field-sign", whole=True)
    driver.locator("#confirm").click()
    answered(driver, "ok", order.waybill)
    shot(driver, "field-signed", whole=True)
    uploaded(driver)


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


def test_the_departure_names_what_a_recheck_keeps_here_before_and_after(field_phone, order, trip, shot):
    counted = {"pieces": 2, "items": {"KN-1": 9}}
    journey_make.scan("collected", order.waybill)
    journey_make.scan("rechecked", order.waybill, data=counted)
    page = field_phone("warehouse", username="zhao")
    page.goto(f"/field/#/trip/departed/{trip.ref}")
    expect(page.locator("#held")).to_contain_text("1 票复核不符，不随车发出")
    expect(page.locator("#held")).to_contain_text(order.waybill)
    shot(page, "field-departure-held")
    page.locator("#confirm").click()
    page.get_by_role("button", name="确定发车").click()
    expect(page.locator("#result")).to_contain_text(f"留在本站：{order.waybill}")


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
    expect(page.locator("#total")).to_contain_text("2/4")  # it was put on this truck
    wedge(page, "ZT0000000000000")
    answered(page, "wrong")
    expect(page.locator("#recent [data-level=wrong]")).to_contain_text("未成功")
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


def test_somebody_without_a_station_chooses_one_first_and_it_is_remembered(field_phone, order):
    page = field_phone("manager", username="zhuguan", station="")
    tile(page, "inbound")
    page.get_by_label("查找站点").fill("武汉")
    page.locator("[data-station=WHDX]").click()
    expect(page.get_by_role("heading", name="入库")).to_be_visible()
    wedge(page, order.pieces[0])
    answered(page, "warn")
    expect(page.locator("#result")).to_contain_text("不经过本站")
    page.reload()
    page.goto("/field/#/")
    expect(page.locator("#my-station")).to_have_text("武汉东西湖中转站")


def test_a_parcels_label_is_no_truck(field_phone, order, trip):
    page = field_phone("warehouse", username="cangku")
    tile(page, "loaded")
    expect(page.locator(f"[data-trip='{trip.ref}']")).to_be_visible()
    wedge(page, order.pieces[0])
    expect(page.get_by_text("选择车次")).to_be_visible()
    assert page.evaluate("window.heard") == ["square196", "square185"]
    wedge(page, trip.ref)
    expect(page.locator("#total")).to_contain_text("0/3")
