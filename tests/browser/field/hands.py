"""What hands do on the phone: tap, type, scan, draw, wait."""

import re

from playwright.sync_api import Page, expect

from tests.access import make as people
from zaitu.journey import public as journey
from zaitu.kernel.principal import system

TEST = system("test")


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
    page.keyboard.type(code)
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
