"""What goes wrong on a working day: refusals that come late, sessions that end, colleagues who share a phone, a full disk."""

import io
import os
import uuid

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.access import make as people
from tests.browser.field.hands import TEST, answered, draw, kinds, ready, sign_in, tile, uploaded, wedge
from tests.disks import small_disk
from tests.journey import make as journey_make
from zaitu.access.models import User
from zaitu.access.public import audit_list
from zaitu.journey import public as journey
from zaitu.kernel.waybills import Mistyped, waybill_make, waybill_normal

pytestmark = pytest.mark.django_db(transaction=True)


def recheck(order, pieces):
    journey_make.scan("rechecked", order.waybill, data={"pieces": pieces, "items": {"KN-1": 10}})


def test_a_scan_refused_after_the_network_came_back_is_kept_shown_and_put_away_with_a_reason(
    field_phone, order, trip, shot
):
    page = field_phone("warehouse", username="cangku")
    page.goto(f"/field/#/scan/loaded?trip={trip.ref}&station=SHQP")
    expect(page.locator("#total")).to_contain_text("0/3")
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    recheck(order, pieces=2)  # meanwhile somebody found it short: loading is blocked
    page.context.set_offline(False)
    expect(page.locator("#badge")).to_have_text("1 条要处理", timeout=15_000)
    assert page.evaluate("window.heard.at(-1)") == "square185", "it sounds wrong wherever the person is now"
    page.reload()
    ready(page)
    page.locator("#badge").click()
    expect(page.get_by_text("禁止装车")).to_be_visible()
    page.get_by_role("button", name="放弃这一条").click()
    expect(page.get_by_text("请写明放弃的原因")).to_be_visible()
    shot(page, "field-outbox-refused", whole=True)
    page.get_by_label("放弃的原因").fill("已改装下一车")
    page.get_by_role("button", name="放弃这一条").click()
    uploaded(page)
    (entry,) = audit_list(actor=TEST, action="field.dismiss", page=1).rows
    assert (entry.subject, entry.detail["reason"]) == (order.pieces[0], "已改装下一车")
    assert "loaded" not in kinds(order.waybill)


def test_a_refused_scan_can_be_tried_again_when_what_stood_in_its_way_is_gone(field_phone, order, trip):
    page = field_phone("warehouse", username="cangku")
    recheck(order, pieces=2)
    page.goto(f"/field/#/scan/loaded?trip={trip.ref}&station=SHQP")
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    page.context.set_offline(False)
    expect(page.locator("#badge")).to_have_text("1 条要处理", timeout=15_000)
    recheck(order, pieces=3)
    page.locator("#badge").click()
    page.get_by_role("button", name="重试", exact=True).click()
    uploaded(page)
    assert "loaded" in kinds(order.waybill)


def test_a_session_that_ended_keeps_the_queue_and_the_same_person_sends_it(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    page.context.clear_cookies()
    wedge(page, order.pieces[0])
    expect(page.get_by_text("登录已过期，请重新登录")).to_be_visible()
    expect(page.locator("#badge")).to_have_text("待上传 1")
    assert kinds(order.waybill) == []
    sign_in(page, "cangku")
    uploaded(page)
    assert kinds(order.waybill) == ["collected"]


def test_a_new_token_after_signing_in_again_does_not_stop_the_queue(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    page.context.clear_cookies(name="csrftoken")
    page.context.set_offline(False)
    uploaded(page)
    assert kinds(order.waybill) == ["collected"]


def test_what_a_colleague_left_on_a_shared_phone_is_not_sent_in_my_name(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    people.user("warehouse", username="tongshi", station_code="SHQP", name="孙同事")
    tile(page, "collected")
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    page.context.clear_cookies()
    page.context.set_offline(False)
    # The queue has tried and knows that it is signed out: its answer must not exchange the token of the form below.
    expect(page.get_by_role("link", name="重新登录")).to_be_visible()
    sign_in(page, "tongshi")
    expect(page.get_by_text("这台手机里还有其他人的 1 条待上传")).to_be_visible()
    tile(page, "collected")
    wedge(page, order.pieces[1])
    answered(page, "ok")
    events = journey.events_of(actor=TEST, waybill=order.waybill)
    assert {(event.piece, event.actor) for event in events if event.kind == "collected"} == {
        (order.pieces[1], "tongshi")
    }
    page.context.clear_cookies()
    sign_in(page, "cangku")
    uploaded(page)
    events = journey.events_of(actor=TEST, waybill=order.waybill)
    assert (order.pieces[0], "cangku") in {(event.piece, event.actor) for event in events}


def test_signing_out_with_work_left_asks_first_and_loses_nothing(field_phone, order, shot):
    page = field_phone("warehouse", username="cangku")
    tile(page, "collected")
    page.route("**/field/api/actions", lambda route: route.abort())
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    page.locator("#sign-out-button").click()
    expect(page.get_by_text("待上传 1 条会留在这台手机里")).to_be_visible()
    shot(page, "field-sign-out")
    page.get_by_role("button", name="继续上传，不退出").click()
    expect(page.locator("#badge")).to_have_text("待上传 1")
    page.unroute("**/field/api/actions")
    page.context.set_offline(False)
    uploaded(page)
    page.locator("#sign-out-button").click()
    expect(page.get_by_label("用户名")).to_be_visible()
    assert kinds(order.waybill) == ["collected"]


def test_rights_taken_away_meanwhile_are_told_and_the_rest_goes_on(field_phone, order):
    page = field_phone("warehouse", username="cangku")
    tile(page, "inbound")
    page.context.set_offline(True)
    wedge(page, order.pieces[0])
    answered(page, "wait")
    User.objects.filter(username="cangku").update(roles=["driver"])
    tile(page, "collected")
    wedge(page, order.pieces[0])
    answered(page, "wait")
    page.context.set_offline(False)
    expect(page.locator("#badge[data-queued='0']")).to_have_text("1 条要处理", timeout=15_000)
    assert kinds(order.waybill) == ["collected"]


def test_hostile_goods_names_and_errors_are_text_on_the_phone(field_phone):
    journey_make.carrier()
    name = "<img src=x onerror=\"document.title='hacked'\">"
    order = journey_make.order(
        goods=name, items=(("<b>1", name, 1),), consignee=journey_make.party(name=name[:30])
    )
    page = field_phone("administrator", username="laoban")
    for kind in ("rechecked", "signed"):
        tile(page, kind)
        wedge(page, order.waybill)
        expect(page.locator("#goods")).to_contain_text("<img src=x")
    assert page.locator("main img").count() == 0
    assert page.title() == "在途 现场"


@pytest.fixture
def disk(tmp_path, settings):
    with small_disk(tmp_path / "files", "16k") as disk:
        settings.MEDIA_ROOT = str(disk.path)
        yield disk


@pytest.mark.fault
def test_a_full_disk_on_the_server_keeps_the_signature_on_the_phone_until_there_is_room(
    field_phone, order, disk, shot
):
    journey_make.scan("collected", order.waybill)
    page = field_phone("driver", username="siji", station="CDQB")
    tile(page, "signed")
    wedge(page, order.waybill)
    page.get_by_label("签收人姓名").fill("王小明")
    draw(page)
    out = io.BytesIO()
    Image.frombytes("RGB", (900, 900), os.urandom(900 * 900 * 3)).save(out, "JPEG")
    page.locator("#photo-input").set_input_files(
        {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    )
    expect(page.locator("#photos img")).to_have_count(1)
    page.locator("#confirm").click()
    expect(page.locator("#line")).to_contain_text("服务器存储空间已满，内容还在手机里", timeout=15_000)
    expect(page.locator("#badge")).to_have_text("待上传 1")
    shot(page, "field-disk-full")
    assert kinds(order.waybill) == ["collected"]
    page.reload()
    ready(page)
    disk.grow("8m")
    page.locator("#badge").click()
    page.locator("#retry-all").click()
    expect(page.locator("#badge")).not_to_contain_text("待上传", timeout=40_000)
    (proof,) = journey.shipment_page(actor=TEST, waybill=order.waybill).proofs
    assert (len(proof.photos), bool(proof.signature)) == (1, True)
    assert kinds(order.waybill) == ["collected", "signed"]


def test_phone_and_server_agree_on_every_number(field_phone):
    page = field_phone("warehouse", username="cangku")
    texts = []
    for _ in range(150):
        number = waybill_make("ZT")
        swapped = number[:6] + number[7] + number[6] + number[8:]
        wrong = number[:9] + str((int(number[9]) + 3) % 10) + number[10:]
        texts += [
            number,
            number.lower(),
            number[2:],
            f"{number[:2]} {number[2:6]}-{number[6:]}",
            swapped,
            wrong,
            number[:-1],
        ]
    texts += ["", "ZT", "0" * 13, "ZT" + "O" * 13, "ＺＴ" + "0" * 13, "ABCDE" + "0" * 13, uuid.uuid4().hex]
    says = page.evaluate(
        """async (texts) => {
          const { parsed } = await import("/static/field/waybill.js");
          return texts.map((text) => parsed(text, "ZT")?.waybill ?? null);
        }""",
        texts,
    )

    def server(text):
        try:
            return waybill_normal(text, prefix="ZT")
        except Mistyped:
            return None

    assert says == [server(text) for text in texts]
