"""The console in a browser, on the demo company with its trucks driving."""

import re
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve, reverse
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.console import pages

SPILT = "[...document.querySelectorAll('.tag, .pill')].filter(one => one.scrollHeight > one.clientHeight + 1).length"
"""Tags whose words lie outside them."""
CUT = (
    "[...document.querySelectorAll('.list-box')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
)
"""Tables that hide a column."""
SAID = "main h2, main th, main label, main legend, main .hint, main .pill, main dt, .side a"
"""Where the product speaks, and not its company."""


def sign_in(page: Page, product) -> Page:
    page.goto(f"{product.url}/console/sign-in")
    page.get_by_label("用户名").fill(product.facts.console_user)
    page.get_by_label("密码").fill(product.facts.console_password)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="今天")).to_be_visible()
    return page


@pytest.fixture
def office(desktop, product) -> Page:
    desktop.troubles = []
    desktop.on("console", lambda line: desktop.troubles.append(line.text) if line.type == "error" else None)
    yield sign_in(desktop, product)
    assert desktop.troubles == []


def test_a_wrong_password_is_told_kindly_and_the_right_one_opens_today(desktop, product, shot):
    desktop.goto(f"{product.url}/console/")
    expect(desktop).to_have_url(re.compile(r"/console/sign-in\?next="))
    shot(desktop, "console-sign-in")
    desktop.get_by_label("用户名").fill(product.facts.console_user)
    desktop.get_by_label("密码").fill("not-the-password")
    desktop.get_by_role("button", name="登录").click()
    expect(desktop.get_by_role("alert")).to_have_text(re.compile("用户名或密码不正确"))
    sign_in(desktop, product)
    shot(desktop, "console-today")


def test_trucks_move_on_the_map_by_themselves_and_open_in_the_drawer(office, product, shot):
    office.goto(f"{product.url}/console/map")
    expect(office.locator("#live-state")).to_have_text("实时")
    expect(office.locator("[data-count='']")).not_to_have_text("0")
    office.evaluate("window.__same = true")
    # A minute's drive is less than a pixel of a map of the country; the list beside it tells every speed.
    shown = "document.querySelector('.leaflet-marker-pane').innerHTML + document.querySelector('#fleet-list').innerHTML"
    office.wait_for_function(f"before => {shown} !== before", arg=office.evaluate(shown), timeout=60_000)
    moving = office.locator("#fleet-list button").filter(has_text="km/h").first
    plate = moving.locator("b").inner_text()
    shot(office, "console-map")
    moving.click()
    drawer = office.locator("#drawer")
    expect(drawer.get_by_role("heading", name=plate)).to_be_visible()
    expect(drawer.get_by_text("速度")).to_be_visible()
    shot(office, "console-vehicle")
    office.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    office.locator("#fleet-q").fill(plate)
    expect(office.locator("#fleet-list li")).to_have_count(1)
    assert office.evaluate("window.__same") is True


def test_a_clerk_moves_through_the_list_by_keyboard_and_keeps_the_place(office, product, shot):
    office.goto(f"{product.url}/console/shipments")
    rows = office.locator("#rows tbody tr")
    expect(rows.first).to_be_visible()
    for key in ("j", "j", "j"):
        office.keyboard.press(key)
    expect(rows.nth(2)).to_have_attribute("aria-selected", "true")
    waybill = rows.nth(2).locator(".waybill").inner_text()
    office.keyboard.press("Enter")
    drawer = office.locator("#drawer")
    expect(drawer.get_by_role("heading", name=waybill)).to_be_visible()
    shot(office, "console-shipments")
    office.keyboard.press("k")
    expect(drawer.get_by_role("heading", name=rows.nth(1).locator(".waybill").inner_text())).to_be_visible()
    office.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")
    expect(rows.nth(1)).to_be_focused()


def test_typing_narrows_the_list_without_a_reload_and_the_address_keeps_it(office, product):
    office.goto(f"{product.url}/console/shipments")
    office.evaluate("window.__same = true")
    office.get_by_label("搜索运单").fill(product.facts.waybill)
    expect(office.locator("#rows tbody tr")).to_have_count(1)
    assert office.evaluate("window.__same") is True
    expect(office).to_have_url(re.compile(f"q={product.facts.waybill}"))
    office.reload()
    expect(office.locator("#rows tbody tr")).to_have_count(1)
    office.locator("label.chip", has_text="已终止").click()
    expect(office.get_by_text("没有符合条件的运单")).to_be_visible()


def test_columns_and_views_are_remembered_and_the_head_stays_in_sight(office, product):
    office.goto(f"{product.url}/console/shipments?status=signed")
    customers = office.locator("td[data-col=customer]").first
    expect(customers).to_be_hidden()
    office.locator("summary", has_text="列").click()
    office.locator("[data-columns] input[value=customer]").check()
    office.locator("summary", has_text="视图").click()
    office.get_by_label("视图名称").fill("已签收的")
    office.get_by_role("button", name="保存当前条件").click()
    office.goto(f"{product.url}/console/shipments")
    expect(customers).to_be_visible()
    office.mouse.wheel(0, 1200)
    expect(office.get_by_role("columnheader", name="运单号")).to_be_in_viewport()
    menu = office.get_by_role("navigation", name="主菜单")
    expect(menu.get_by_role("link", name="运单", exact=True)).to_be_in_viewport()
    menu.get_by_text("系统状态").scroll_into_view_if_needed()
    expect(office.get_by_role("columnheader", name="运单号")).to_be_in_viewport()
    office.locator("summary", has_text="视图").click()
    office.get_by_role("link", name="已签收的").click()
    expect(office).to_have_url(re.compile("status=signed"))


def test_several_rows_are_ticked_by_keyboard_and_printed_together(office, product):
    office.goto(f"{product.url}/console/shipments")
    expect(office.locator("#rows tbody tr").first).to_be_visible()
    for key in ("j", "x", "j", "x"):
        office.keyboard.press(key)
    expect(office.locator("[data-bulk-count]")).to_have_text("2")
    with office.context.expect_page() as opened:
        office.get_by_role("button", name="打印标签").click()
    assert opened.value.url.endswith("/console/labels.pdf")
    office.get_by_role("button", name="取消选择").click()
    expect(office.locator("[data-bulk]")).to_be_hidden()


def test_what_is_exported_is_what_the_filters_show_now(office, product):
    office.goto(f"{product.url}/console/shipments")
    office.get_by_label("搜索运单").fill(product.facts.waybill)
    expect(office.locator("#rows tbody tr")).to_have_count(1)
    office.locator("summary", has_text="导出").click()
    with office.expect_download() as got:
        office.get_by_role("link", name="CSV").click()
    lines = got.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [product.facts.waybill]


def test_control_k_finds_a_shipment_and_its_page_shows_everything(office, product, shot):
    office.keyboard.press("Control+k")
    box = office.locator("#palette input")
    expect(box).to_be_focused()
    box.fill(product.facts.waybill)
    expect(office.locator("#found a").first).to_contain_text(product.facts.waybill)
    box.press("Enter")
    expect(office).to_have_url(re.compile(f"/console/shipments/{product.facts.waybill}"))
    for heading in ("经过", "逐件", "联系人", "货物", "预计送达的变化", "通知", "查询链接"):
        expect(office.get_by_role("heading", name=heading, exact=False).first).to_be_visible()
    expect(office.locator("#parties")).to_contain_text("*")
    expect(office.locator("#trip-map .leaflet-marker-pane > *").first).to_be_attached()
    shot(office, "console-shipment")
    office.get_by_label("查看原因").fill("核对收货人")
    office.get_by_role("button", name="显示完整信息").click()
    expect(office.get_by_text("已记录查看").first).to_be_visible()


def test_an_order_is_placed_with_pick_lists_and_complaints_at_the_field(office, product, shot):
    office.goto(f"{product.url}/console/orders/new")
    for role in ("from_station", "to_station"):
        box = office.locator(f"[name={role}]")
        box.click()
        expect(office.locator(".picks li").first).to_be_visible()
        for _ in range(1 if role == "from_station" else 2):
            box.press("ArrowDown")
        box.press("Enter")
        expect(box).not_to_have_value("")
    people = {"name": "赵六", "phone": "13812340001", "city": "上海", "address": "浦东新区世纪大道1号"}
    for role in ("consignor", "consignee"):
        for name, value in people.items():
            office.locator(f"[name='{role}.{name}']").fill(value)
    office.locator("[name='consignee.phone']").fill("12345")
    for name, value in {"goods": "测试轴承", "pieces": "2", "weight_kg": "30"}.items():
        office.locator(f"[name={name}]").fill(value)
    plain = office.locator("[name=product] option[data-is=plain]").first.get_attribute("value")
    office.locator("[name=product]").select_option(plain)
    office.get_by_role("button", name="确认下单").click()
    expect(office.locator("[name='consignee.phone'] ~ .field-error")).to_be_visible()
    expect(office.locator("[name=goods]")).to_have_value("测试轴承")
    # What was chosen is shown by its name, also when the page comes back with the code in it.
    expect(office.locator("[name=from_station]")).to_have_value(re.compile("[\u4e00-\u9fff]{4,}"))
    shot(office, "console-order")
    office.locator("[name='consignee.phone']").fill("13812340001")
    office.troubles.clear()  # the browser notes the 422 itself
    office.get_by_role("button", name="确认下单").click()
    expect(office.locator("#waybill")).to_have_text(re.compile(r"[A-Z]{2,4}\d{13}"))
    expect(office.get_by_role("link", name="打印标签")).to_be_visible()


def post(page: Page, product, path: str, form: dict[str, str]) -> None:
    """A form as the page sends it."""
    page.goto(f"{product.url}/console/")
    token = page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    answer = page.request.post(
        f"{product.url}{path}",
        form={**form, "csrfmiddlewaretoken": token},
        headers={"Referer": f"{product.url}/console/"},
    )
    assert answer.ok, f"{path}: {answer.status}"


def leads_to(page: Page, product, listed: str, name: str) -> str:
    """The first link of a list to the page of that name."""
    page.goto(f"{product.url}/console/{listed}")
    links = page.eval_on_selector_all("main a[href]", "all => all.map(one => one.href)")
    for path in (urlsplit(link).path for link in links):
        try:
            match = resolve(path)
        except Resolver404:
            continue
        if match.view_name == f"console:{name}":
            return path
    raise AssertionError(f"/console/{listed} leads to no {name}")


@pytest.fixture(scope="module")
def addresses(chromium, product) -> list[str]:
    """Every page of the console, with the demo company's things in the places of arguments (tests/console/pages.py)."""
    assert pages.unknown() == []
    context = chromium.new_context(**DESKTOP, locale="zh-CN")
    context.set_default_timeout(20_000)
    page = sign_in(context.new_page(), product)
    # The demo company has neither; both are as long as people make them.
    name = "华东干线夜班一组（上海青浦—杭州萧山—宁波北仑往返）"
    post(page, product, reverse("console:team-new"), {"name": name})
    customer = leads_to(page, product, "customers", "customer-edit").split("/")[-2]
    long = f"https://erp.example.cn/{'receive-' * 12}?tenant=0098134"
    post(page, product, reverse("console:webhook-put"), {"customer_code": customer, "url": long})
    webhook = leads_to(page, product, "webhooks", "webhook")
    post(page, product, webhook, {"do": "disable"})  # nothing is to be sent there
    found = [reverse(f"console:{name}") for name in pages.plain()]
    found += [
        reverse(f"console:{name}", kwargs={"kind": kind})
        for name, kinds in pages.BY_KIND.items()
        for kind in kinds
    ]
    found += [
        leads_to(page, product, listed, name) for name, lists in pages.LINKED.items() for listed in lists
    ]
    found.append(reverse("console:shipment", kwargs={"waybill": product.facts.waybill}))
    context.close()
    return found


def looked_at(page: Page, product, path: str, language: str) -> list[tuple[str, str]]:
    """What is wrong with a page."""
    page.goto(f"{product.url}{path}?lang={language}")
    troubles = []
    if page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") > 0:
        troubles.append("scrolls sideways")
    if page.evaluate(SPILT):
        troubles.append("words outside their tag")
    if page.evaluate(CUT):
        troubles.append("a table hides a column")
    shown = page.locator("body").inner_text()
    if re.search(r"\bNone\b|undefined|NaN|\+08:00|null", shown):
        troubles.append("shows raw values")
    if language == "en":
        # What people and companies are called stays Chinese; what the product says does not.
        said = page.eval_on_selector_all(SAID, "all => all.map(one => one.innerText).join('\\n')")
        troubles += [f"says {text}" for text in re.findall(r"[\u4e00-\u9fff]{2,}", said)]
    return [(path, trouble) for trouble in troubles]


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_scrolls_sideways_or_breaks_its_own_rules(open_page, product, addresses, device, language):
    page, broken, path = open_page(device), [], "/console/sign-in"
    page.on("console", lambda line: broken.append((path, line.text)) if line.type == "error" else None)
    broken += looked_at(page, product, path, language)
    page.goto(f"{product.url}/console/sign-in?lang=zh")  # the helper reads Chinese
    sign_in(page, product)
    for path in addresses:
        broken += looked_at(page, product, path, language)
    assert not broken, broken
    path = "/console/nothing/here"
    assert looked_at(page, product, path, language) == []
    assert [text for _path, text in broken if "404" not in text] == []


def test_on_a_phone_the_menu_opens_and_leads(open_page, product, shot):
    page = sign_in(open_page(PHONE), product)
    page.get_by_role("button", name="菜单").click()
    page.get_by_role("link", name="运单", exact=True).click()
    expect(page.get_by_role("heading", name="运单")).to_be_visible()
    shot(page, "console-phone")


def test_the_dark_theme_is_one_click_away_and_stays(office):
    office.get_by_role("button", name="深色或浅色").click()
    expect(office.locator("html")).to_have_attribute("data-bs-theme", "dark")
    office.reload()
    expect(office.locator("html")).to_have_attribute("data-bs-theme", "dark")
