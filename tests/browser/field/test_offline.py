"""Work goes on without network; what was done then arrives once and in order."""

import pytest
from playwright.sync_api import expect

from tests.browser.field.hands import TEST, answered, draw, kinds, ready, tile, uploaded, wedge
from tests.field.make import picture
from tests.journey import make as journey_make
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent

pytestmark = pytest.mark.django_db(transaction=True)


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
    wedge(page, order.pieces[2])
    answered(page, "warn", order.pieces[2])
    expect(page.locator("#result")).to_contain_text("这件已经扫过了")
    page.locator("#undo").click()
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
    answered(page, "wait")
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


def test_a_signature_with_photo_made_without_network_arrives_whole_and_its_warning_waits_to_be_seen(
    field_phone, order, shot
):
    journey_make.scan("collected", order.waybill)
    page = field_phone("driver", username="siji", station="CDQB")
    tile(page, "signed")
    page.context.set_offline(True)
    wedge(page, order.waybill)
    expect(page.get_by_text("没有网络，照常填写")).to_be_visible()
    page.get_by_label("签收人姓名").fill("李邻居")
    page.get_by_text("他人代收").click()
    draw(page)
    page.locator("#photo-input").set_input_files(
        {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(2400, 1800))}
    )
    expect(page.locator("#photos img")).to_have_count(1)
    page.locator("#confirm").click()
    answered(page, "wait")
    page.context.set_offline(False)
    expect(page.locator("#badge")).to_have_text("1 条要处理", timeout=15_000)
    (proof,) = journey.shipment_page(actor=TEST, waybill=order.waybill).proofs
    assert (proof.relation, len(proof.photos), bool(proof.signature)) == ("on_behalf", 1, True)
    page.locator("#badge").click()
    expect(page.get_by_text("系统里还没有到达记录，已登记签收")).to_be_visible()
    shot(page, "field-outbox-warned", whole=True)
    page.get_by_role("button", name="知道了").click()
    uploaded(page)
