"""The customer's pages as HTML: what strangers and parties find in them, over a real socket."""

import gzip
import re
import uuid
from datetime import datetime, timedelta

import pytest

from tests.journey import facts
from tests.portal import make
from zaitu.access.public import key_issue, link_issue, link_revoke, links_of
from zaitu.journey.domain.statuses import Detail, Status
from zaitu.kernel import clock
from zaitu.kernel.principal import system
from zaitu.kernel.waybills import waybill_make
from zaitu.network import public as network

SECRETS = ("王小明", "李发货", "5678", "4321", "城厢镇", "SF1234567890", "carrier")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def csrf(web, page):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]


def unlock(web, waybill, tail, **more):
    page = web.get(f"/t/{waybill}")
    form = {"csrfmiddlewaretoken": csrf(web, page), "phone_tail": tail}
    return web.post(f"/t/{waybill}/unlock", data=form, **more)


def test_the_first_view_says_status_time_and_history_without_script(web):
    now = clock.now()
    one = make.shipment(
        eta=now + timedelta(hours=2), eta_from=now + timedelta(hours=2), eta_to=now + timedelta(hours=2.5)
    )
    text = re.sub(r"<[^>]+>", "", web.get(f"/t/{one.waybill}").text)
    assert "在途" in text
    assert "已过武汉" in text
    assert re.search(r"预计(今天|明天) \d\d:\d\d–.*\d\d:\d\d 送达", text)
    assert "途经 武汉中转站，已发车" in text
    assert "已下单，等待揽收" in text


def test_goods_nobody_took_are_promised_for_no_time(web):
    refused = {"code": "refused", "level": 2, "action_required": True, "since": clock.now().isoformat()}
    one = make.shipment(
        status=Status.IN_TRANSIT,
        detail=Detail.OUT_FOR_DELIVERY,
        exception=refused,
        eta=None,
        eta_from=None,
        eta_to=None,
    )
    text = web.get(f"/t/{one.waybill}").text
    assert "待确认后再安排送达" in text
    assert "收货人拒收" in text
    assert "原计划" not in text


def test_a_window_over_midnight_breaks_between_its_days_only(web, time_machine):
    time_machine.move_to(datetime(2026, 11, 22, 20, 0, tzinfo=clock.CHINA), tick=False)
    start = clock.now() + timedelta(hours=3)
    one = make.shipment(eta=start, eta_from=start, eta_to=start + timedelta(hours=3))
    text = web.get(f"/t/{one.waybill}").text
    assert (
        '预计<span class="eta-window">今天 23:00–</span><span class="eta-window">明天 02:00</span> 送达'
        in text
    )


def test_the_hotline_is_on_every_page_when_there_is_one(web):
    one = make.shipment()
    assert "tel:" not in web.get(f"/t/{one.waybill}").text
    company = network.CompanyView(name="顺驰物流", hotline="400-000-0000")
    network.company_put(actor=system("test"), company=company)
    for path in (f"/t/{one.waybill}", "/", "/t/hello"):
        assert 'href="tel:4000000000"' in web.get(path).text


def test_nothing_about_people_and_no_place_of_the_truck_is_in_a_strangers_page(web):
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 30.581234, 114.271234, trip=one.trip, along_m=655_321.0)
    for path in (f"/t/{one.waybill}", f"/t/{one.waybill}?part=live", f"/t/{one.waybill}?lang=en"):
        page = web.get(path)
        assert page.status_code == 200
        for secret in (*SECRETS, "30.58123", "114.27123", "655321"):
            assert secret not in page.text.replace(one.waybill, "")


def test_before_the_first_scan_it_waits_for_pick_up(web):
    one = make.shipment(
        status=Status.ORDERED, detail=Detail.ACCEPTED, place=None, trip=None, nodes=facts.facts().nodes[:1]
    )
    text = web.get(f"/t/{one.waybill}").text
    assert "已下单" in text
    assert "等待揽收" in text


@pytest.mark.parametrize("number", ["unknown", "ZT0000000000001", "hello", "%3Cscript%3E"])
def test_unknown_and_mistyped_numbers_get_the_same_honest_page(web, number):
    page = web.get(f"/t/{waybill_make('ZT') if number == 'unknown' else number}")
    assert page.status_code == 404
    assert "没有查到这个运单" in page.text
    assert "<script>" not in page.text
    other = web.get(f"/t/{waybill_make('ZT')}")
    own = re.compile(r'href="/t/[^"]*lang=[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"')
    assert own.sub("", page.text) == own.sub("", other.text)


def test_english_is_one_click_away_and_stays(web):
    one = make.shipment()
    page = web.get(f"/t/{one.waybill}?lang=en")
    assert 'lang="en"' in page.text
    assert "In transit" in page.text
    assert "Passed 武汉中转站" in page.text
    names = "武汉中转站|上海青浦仓|成都青白江站|上海|武汉|成都|中文|顺丰"
    chinese_left = re.sub(names, "", page.text)
    assert not re.findall(r"[\u4e00-\u9fff]+", chinese_left)
    assert "In transit" in web.get(f"/t/{one.waybill}").text, "the choice is kept"
    assert "在途" in web.get(f"/t/{one.waybill}?lang=zh").text


def test_a_browser_that_asks_for_english_still_gets_chinese_first(web):
    one = make.shipment()
    assert "在途" in web.get(f"/t/{one.waybill}", headers={"Accept-Language": "en-US,en"}).text


def test_a_right_tail_opens_the_details_on_this_browser_only(web):
    one = make.shipment()
    answer = unlock(web, one.waybill, "5678")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{one.waybill}")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "5678" not in cookie
    page = web.get(f"/t/{one.waybill}")
    assert "王**" in page.text
    assert "138********" in page.text
    assert "城厢镇" not in page.text
    web.cookies.clear()
    assert "王**" not in web.get(f"/t/{one.waybill}").text


def test_one_shipments_cookie_opens_no_other(web):
    one, two = make.shipment(), make.shipment()
    unlock(web, one.waybill, "5678")
    web.cookies.set(f"zaitu_{two.waybill}", web.cookies[f"zaitu_{one.waybill}"])
    assert "王**" not in web.get(f"/t/{two.waybill}").text


def test_wrong_tails_are_counted_together_with_the_apis(web):
    one = make.shipment()
    for n in range(3):
        assert unlock(web, one.waybill, f"000{n}").status_code == 422
    for n in range(2):
        assert web.get(f"/api/v1/track/{one.waybill}?phone_tail=100{n}").status_code == 404
    sixth = unlock(web, one.waybill, "5678")
    assert sixth.status_code == 429
    assert "分钟后再试" in sixth.text
    assert web.get(f"/t/{one.waybill}").status_code == 200, "the page itself stays open"


def test_another_spelling_of_the_number_gives_the_form_no_further_tries(web):
    one = make.shipment()
    for n in range(5):
        assert unlock(web, one.waybill, f"000{n}").status_code == 422
    form = {"csrfmiddlewaretoken": csrf(web, web.get(f"/t/{one.waybill}")), "phone_tail": "5678"}
    assert web.post(f"/t/ZT-{one.waybill[2:]}/unlock", data=form).status_code == 429


def test_wrong_tails_in_the_form_are_misses_of_the_address_as_the_apis_are(web):
    for _ in range(118):
        web.get(f"/api/v1/track/{waybill_make('ZT')}")
    for tail in ("0000", "0001", "0002"):
        one = make.shipment()
        assert unlock(web, one.waybill, tail).status_code == 422
    assert web.get(f"/t/{one.waybill}").status_code == 429


def test_the_form_is_refused_without_its_token(web):
    one = make.shipment()
    web.get(f"/t/{one.waybill}")
    answer = web.post(f"/t/{one.waybill}/unlock", data={"phone_tail": "5678"})
    assert answer.status_code == 403
    assert "页面已过期" in answer.text


def test_a_signed_link_opens_the_details_and_leaves_the_address(web):
    one = make.shipment()
    token = link_issue(actor=make.ACTOR, waybill=one.waybill)
    answer = web.get(f"/t/{one.waybill}?k={token}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{one.waybill}")
    assert "王**" in web.get(f"/t/{one.waybill}").text
    link_revoke(actor=make.ACTOR, link_id=links_of(actor=make.ACTOR, waybill=one.waybill)[0].id)
    assert "王**" not in web.get(f"/t/{one.waybill}").text, "the cookie lives no longer than the link"


def test_a_dead_link_is_a_strangers_page(web):
    one = make.shipment()
    page = web.get(f"/t/{one.waybill}?k=nonsense")
    assert page.status_code == 200
    assert "王**" not in page.text


def test_free_text_is_shown_as_text_everywhere(web):
    place = facts.PlaceInput(code="X", name=EVIL, city=EVIL, lat=30.0, lon=114.0)
    stops = (facts.stop(0, place, 0, "passed"), facts.stop(1, place, 9_000, "ahead"))
    one = make.shipment(
        car=make.vehicle(),
        place=place,
        origin=place,
        destination=place,
        trip=facts.trip(stops=stops, line_name=EVIL),
        nodes=(facts.node("arrived", Status.AT_STOP, Detail.AT_STOP, place=place),),
        numbers=((EVIL, EVIL),),
        exception={
            "code": "other",
            "level": 2,
            "cause": EVIL,
            "plan": EVIL,
            "action_required": True,
            "eta_delta": 5,
        },
    )
    unlock(web, one.waybill, "5678")
    for path in (f"/t/{one.waybill}", f"/t/{one.waybill}?part=live", "/?q=" + EVIL):
        page = web.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "onerror=alert(2)>" not in page.replace("&gt;", "&gt;")


def test_every_page_forbids_inline_script_and_framing(web):
    one = make.shipment()
    for path in ("/", f"/t/{one.waybill}", "/privacy", "/t/nothing", "/nothing"):
        page = web.get(path)
        policy = page.headers["content-security-policy"]
        scripts = re.search(r"script-src ([^;]+)", policy)[1]
        assert "'unsafe-inline'" not in scripts
        assert "'unsafe-eval'" not in scripts
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page.text)
        assert not re.search(r"<[^>]+ on[a-z]+=", page.text)


def test_a_photo_opens_by_its_short_lived_address_only(web):
    from PIL import Image

    from zaitu.journey import public as journey
    from zaitu.portal.details import file_address

    one, two = make.shipment(), make.shipment()
    import io

    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "#1463ff").save(picture, "JPEG")
    file_id = journey.file_store(
        actor=make.ACTOR, waybill=one.waybill, kind="photo", content=picture.getvalue()
    )
    shown = web.get(file_address(file_id, one.waybill))
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("image/")
    assert "no-store" in shown.headers["cache-control"]
    assert web.get(file_address(file_id, two.waybill)).status_code == 404
    assert web.get(file_address(str(uuid.uuid4()), one.waybill)).status_code == 404
    assert web.get(f"/t/{one.waybill}/files/forged").status_code == 404


def test_the_query_page_goes_on_to_the_shipment_and_knows_wrong_digits(web):
    one = make.shipment()
    found = web.get("/", params={"q": f" {one.waybill[2:6]} {one.waybill[6:]} "})
    assert (found.status_code, found.headers["location"]) == (302, f"/t/{one.waybill}")
    label = web.get("/", params={"q": f"{one.waybill}-001"})
    assert (label.status_code, label.headers["location"]) == (302, f"/t/{one.waybill}")
    assert one.waybill in web.get(f"/t/{one.waybill}-001").text
    wrong = web.get("/", params={"q": one.waybill[:-1] + str((int(one.waybill[-1]) + 1) % 10)})
    assert wrong.status_code == 404
    assert "有一位输错了" in wrong.text


def test_the_qr_code_leads_to_this_page(web):
    one = make.shipment()
    answer = web.get(f"/t/{one.waybill}/qr.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")


def test_many_unknown_numbers_close_the_pages_to_that_address_too(web):
    one = make.shipment()
    for _ in range(119):
        web.get(f"/api/v1/track/{waybill_make('ZT')}")
    assert web.get(f"/t/{waybill_make('ZT')}").status_code == 404
    web.get(f"/t/{waybill_make('ZT')}")
    blocked = web.get(f"/t/{one.waybill}")
    assert blocked.status_code == 429
    assert "操作太频繁" in blocked.text


@pytest.mark.parametrize(
    "path", ["/api/v1/orders/%00", "/api/v1/shipments/ZT%00/events", "/?q=%00", "/console/?next=%00"]
)
def test_a_nul_in_an_address_is_a_bad_request_and_no_error_of_ours(web, path):
    _view, key = key_issue(
        actor=make.ACTOR,
        customer_code=make.customer(),
        name="ERP",
        scopes=frozenset({"orders", "events"}),
    )
    assert web.get(path, headers={"Authorization": f"Bearer {key}"}).status_code == 400


def test_the_first_view_is_at_most_300_kb_compressed(web):
    one = make.shipment(car=make.vehicle())
    page = web.get(f"/t/{one.waybill}").text
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert any(name.endswith(".css") for name in files)
    total = len(gzip.compress(page.encode()))
    for name in files:
        answer = web.get(name)
        assert answer.status_code == 200, name
        total += len(gzip.compress(answer.content))
    assert total <= 300_000
    assert total <= 60_000, "it was 30 kB when written: nothing heavy belongs here"
