"""The customer's pages in a browser, on the demo company with its trucks driving."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from zaitu.portal.tracker import SAMPLE_S

SAMPLED_WITHIN_MS = (SAMPLE_S + 15) * 1000
"""Within it strangers have been shown a new sample, on a busy machine too."""


def track(page: Page, product, *, query: str = "") -> Page:
    page.goto(f"{product.url}/t/{product.facts.waybill}{query}")
    return page


def unlock(page: Page, product) -> None:
    page.get_by_label("手机号后四位").fill(product.facts.phone_tail)
    page.get_by_role("button", name="查看").click()
    expect(page.get_by_text("收发货人可见")).to_be_visible()


def left(page: Page, words: str) -> None:
    """How far it still is, for strangers: a sample taken before the truck's place on its route was known stands for a minute."""
    expect(page.locator("#left")).to_have_text(re.compile(words), timeout=SAMPLED_WITHIN_MS)


def loads(page: Page) -> int:
    """How often this page has been loaded since `counted`."""
    return page.evaluate("window.__same === undefined ? 1 : 0")


def sideways(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_the_first_screen_answers_where_and_when(phone, product, shot):
    track(phone, product)
    hero = phone.locator(".hero")
    expect(hero.locator(".pill")).to_have_text(re.compile("在途|途经站点|即将送达|已到达"))
    expect(hero.get_by_role("heading")).to_have_text(re.compile(r"预计(今天|明天|\d+月\d+日).*送达"))
    box = hero.bounding_box()
    assert box["y"] + box["height"] < 844, "the answer is on the first screen"
    left(phone, r"剩 \d+ 公里")
    expect(phone.locator("#fresh")).to_have_text(re.compile("刚刚更新|分钟前更新"))
    expect(phone.locator(".nodes .node")).not_to_have_count(0)
    assert not re.search(r"null|undefined|None|NaN|\+08:00|[a-z]+_[a-z]+", phone.locator("main").inner_text())
    shot(phone, "tracking")


def test_the_trucks_position_stays_fresh_by_itself(phone, product):
    track(phone, product)
    unlock(phone, product)
    expect(phone.locator("#sketch-truck")).to_be_visible()
    phone.evaluate("window.__same = true")
    at = phone.locator("#fresh").get_attribute("data-at")
    phone.wait_for_function(
        "at => Date.parse(document.getElementById('fresh').dataset.at) > Date.parse(at)",
        arg=at,
        timeout=90_000,
    )
    assert loads(phone) == 0, "without a reload"


def test_the_right_tail_opens_the_details_and_a_wrong_one_says_so(phone, product):
    track(phone, product)
    wrong = "0000" if product.facts.phone_tail != "0000" else "1111"
    phone.get_by_label("手机号后四位").fill(wrong)
    phone.get_by_role("button", name="查看").click()
    expect(phone.get_by_role("alert")).to_have_text("与收发货人手机号后四位不符，请核对。")
    expect(phone.locator("#details")).to_have_count(0)
    unlock(phone, product)
    expect(phone.locator("#details")).to_contain_text("收货人")
    expect(phone.locator("#details")).to_contain_text("****")
    assert product.facts.phone_tail not in phone.url


def test_english_shows_no_chinese_but_names(phone, product, shot):
    track(phone, product)
    phone.get_by_role("link", name="EN", exact=True).click()
    expect(phone.locator("html")).to_have_attribute("lang", "en")
    expect(phone.locator(".eta")).to_have_text(re.compile(r"^Arrives "))
    left(phone, r"\d+ km left")
    for label in ("Share", "QR code", "Another", "Open"):
        expect(phone.locator("main")).to_contain_text(label)
    shot(phone, "tracking-en")


def test_on_a_desk_map_and_answer_stand_side_by_side(desktop, product, shot):
    track(desktop, product)
    expect(desktop.locator("#sketch-truck")).to_be_visible()
    answer, drawing = desktop.locator(".hero").bounding_box(), desktop.locator(".map-card").bounding_box()
    assert drawing["x"] > answer["x"] + answer["width"]
    shot(desktop, "tracking-desktop")


def test_without_a_network_the_page_says_so_and_recovers(phone, product):
    track(phone, product)
    expect(phone.locator("#left")).to_be_visible()
    phone.context.set_offline(True)
    expect(phone.locator("#offline")).to_be_visible()
    expect(phone.locator(".eta")).to_be_visible()
    phone.context.set_offline(False)
    expect(phone.locator("#offline")).to_be_hidden()


def test_opened_without_a_network_it_is_our_own_page(phone, product):
    track(phone, product)
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.wait_for_function("() => navigator.serviceWorker.controller !== null")
    phone.context.set_offline(True)
    phone.goto(f"{product.url}/t/{product.facts.waybill}")
    expect(phone.get_by_role("heading")).to_have_text("没有网络")
    phone.context.set_offline(False)


def test_without_script_status_and_history_are_there(open_page, product):
    page = track(open_page(PHONE, java_script_enabled=False), product)
    expect(page.locator(".eta")).to_contain_text("送达")
    expect(page.locator(".nodes .node")).not_to_have_count(0)
    page.get_by_label("手机号后四位").fill(product.facts.phone_tail)
    page.get_by_role("button", name="查看").click()
    expect(page.locator("#details")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
@pytest.mark.parametrize("size", ["normal", "large"])
def test_nothing_sticks_out_at_any_width_and_type_size(open_page, product, width, size):
    page = open_page({"viewport": {"width": width, "height": 844}})
    page.add_init_script(f"localStorage.setItem('zaitu.size', '{size}')")
    for path in ("/", f"/t/{product.facts.waybill}", "/t/nothing", "/privacy"):
        page.goto(product.url + path)
        assert sideways(page) <= 0, path
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == (
        "20px" if size == "large" else "16px"
    )


def test_dark_follows_the_phone_and_the_switch_wins(open_page, product):
    page = track(open_page(PHONE, color_scheme="dark"), product)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="深色或浅色").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_the_drawing_fills_the_screen_and_escape_brings_back(phone, product):
    track(phone, product)
    phone.get_by_role("button", name="放大").click()
    assert phone.locator("#map-card").bounding_box()["height"] == 844
    phone.keyboard.press("Escape")
    assert phone.locator("#map-card").bounding_box()["height"] < 400


def test_share_copies_an_address_without_secrets(open_page, product):
    page = track(open_page(DESKTOP, permissions=["clipboard-read", "clipboard-write"]), product)
    unlock(page, product)
    page.evaluate("delete Navigator.prototype.share")
    page.get_by_role("button", name="分享").click()
    expect(page.locator("#toasts")).to_have_text("链接已复制")
    assert page.evaluate("navigator.clipboard.readText()") == f"{product.url}/t/{product.facts.waybill}"


def test_the_qr_code_opens_on_the_page(phone, product):
    track(phone, product)
    phone.get_by_role("link", name="二维码").click()
    picture = phone.locator("#qr img")
    expect(picture).to_be_visible()
    phone.wait_for_function("() => document.querySelector('#qr img').naturalWidth > 100")


def test_a_wrong_digit_is_told_before_anything_is_asked(phone, product):
    phone.goto(product.url)
    asked = []
    phone.on("request", lambda request: "/static/" in request.url or asked.append(request.url))
    waybill = product.facts.waybill
    phone.get_by_label("运单号").fill(waybill[:-1] + str((int(waybill[-1]) + 1) % 10))
    expect(phone.locator("#q-help")).to_have_text("单号似乎有一位输错了，请对照单据核对。")
    phone.get_by_role("button", name="查询").click()
    assert asked == []
    phone.get_by_label("运单号").fill(f"{waybill[:6].lower()} {waybill[6:]}")
    phone.get_by_role("button", name="查询").click()
    expect(phone.locator(".number-row")).to_contain_text(waybill)


def test_recent_searches_stay_on_this_phone_and_can_be_forgotten(phone, product):
    track(phone, product)
    expect(phone.locator("#left")).to_be_visible()
    phone.get_by_role("link", name="查其他单").click()
    expect(phone.locator("#recent")).to_contain_text(product.facts.waybill)
    phone.get_by_role("button", name="清除").click()
    expect(phone.locator("#recent")).to_be_hidden()
    assert phone.evaluate("localStorage.getItem('zaitu.recent')") is None


def test_an_unknown_number_gets_an_honest_page(phone, product, shot):
    phone.goto(f"{product.url}/t/ZT0000000000001")
    expect(phone.get_by_role("heading")).to_have_text("没有查到这个运单")
    phone.get_by_role("link", name="重新查询").click()
    expect(phone.get_by_role("heading", name="货到哪了")).to_be_visible()


def test_a_partner_s_number_may_be_typed_and_is_asked_for_its_tail(phone, product):
    phone.goto(product.url)
    phone.get_by_label("运单号").fill("YT 8800 1234 5678 9")
    phone.locator("#query").get_by_role("button", name="查询").click()
    form = phone.locator("#partner")
    expect(form.get_by_label("合作承运商单号")).to_have_value("YT 8800 1234 5678 9")
    form.get_by_label("手机号后四位").fill("0000")
    form.get_by_role("button", name="查询").click()
    expect(phone.get_by_role("heading")).to_have_text("没有查到这个运单")


def test_the_api_docs_run_from_our_own_files(desktop, product):
    desktop.goto(f"{product.url}/api/v1/docs")
    told = desktop.request.get(f"{product.url}/api/v1/openapi.json").json()["paths"]
    expect(desktop.locator(".opblock")).to_have_count(sum(len(operations) for operations in told.values()))


def test_the_keyboard_reaches_everything_in_order(desktop, product):
    track(desktop, product)
    desktop.keyboard.press("Tab")
    expect(desktop.get_by_role("link", name="跳到正文")).to_be_focused()
    reached = []
    for _ in range(15):
        desktop.keyboard.press("Tab")
        reached.append(
            desktop.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")
        )
    assert any("复制" in name for name in reached)
    assert any("分享" in name for name in reached)
    assert "tail" in reached
    outline = desktop.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "focus is seen"
    assert Path(desktop.url).name == product.facts.waybill
