"""A customer asks on the tracking page, staff answer in the console, the customer sees it without a reload and gets the e-mail."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Product
from tests.browser.test_console import sign_in
from tests.browser.test_portal import loads
from tests.field.make import picture
from tests.notify.receivers import MailServer, mail_server
from tests.running import until

QUESTION = "师傅几点能到？我三点前要出门。"
ANSWER = "您好，预计今天两点半前送到，到之前司机会先打电话。"


@pytest.fixture(scope="module")
def company() -> Iterator[tuple[Product, MailServer]]:
    """The demo company with a mail server of its own."""
    import json
    from types import SimpleNamespace

    place = Path(tempfile.mkdtemp(prefix="zaitu-talk-"))
    place.chmod(0o711)
    with mail_server() as mail:
        running = Product(place / "home", smtp_url=mail.url, mail_from="顺驰物流 <no@sc.example>")
        try:
            running.up("--demo")
            found = json.loads((running.home / "demo.json").read_text(encoding="utf-8"))
            running.facts = SimpleNamespace(**found)
            yield running, mail
        finally:
            running.ensure_stopped()
            shutil.rmtree(place, ignore_errors=True)


def opened(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/t/{product.facts.waybill}")
    page.get_by_label("手机号后四位").fill(product.facts.phone_tail)
    page.get_by_role("button", name="查看").click()
    expect(page.locator("#talk")).to_be_visible()


def answers(mail: MailServer) -> list[str]:
    return [
        body.get_content()
        for one in mail.mails
        if "客服已回复" in str(one["Subject"]) and (body := one.get_body(("plain",)))
    ]


def test_a_question_is_answered_in_the_page_by_mail_and_on_another_phone(open_page, company, shot):
    product, mail = company
    phone, office, other = open_page(PHONE), open_page(DESKTOP), open_page(PHONE)
    opened(phone, product)
    phone.locator("#ask-question summary").click()
    phone.get_by_label("您想问什么").fill(QUESTION)
    phone.locator("#ask-question [name=photos]").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    phone.locator("#ask-question").get_by_role("button", name="发送").click()
    expect(phone.locator("#talk .said")).to_contain_text("1 小时内回复")
    expect(phone.locator("#talk-thread img")).to_be_visible()
    phone.locator("#more-text").fill("还有一件事，打到一半")
    phone.evaluate("window.__same = true")

    sign_in(office, product)
    office.get_by_role("link", name=re.compile("^会话")).click()
    shot(office, "console-conversations")
    office.get_by_text(QUESTION).click()
    expect(office.locator(".talk-say img")).to_be_visible()
    office.get_by_label("回复客户").fill(ANSWER)
    office.keyboard.press("Control+Enter")
    expect(office.get_by_text("已回复，并通知了客户")).to_be_visible()
    shot(office, "console-conversation")

    expect(phone.locator("#talk-thread")).to_contain_text(ANSWER)
    assert loads(phone) == 0, "without a reload"
    expect(phone.locator("#more-text")).to_have_value("还有一件事，打到一半")
    shot(phone, "tracking-talk", whole=True)

    until(lambda: answers(mail))
    (text,) = answers(mail)
    assert ANSWER not in text
    link = re.search(r"https?://[^/\s]+(/t/\S+)", text)
    assert link
    other.goto(f"{product.url}{link[1]}")
    expect(other.locator("#talk-thread")).to_contain_text(ANSWER)
    assert "k=" not in other.url


def test_without_script_one_asks_and_rates(open_page, company):
    product, _mail = company
    page = open_page(PHONE, java_script_enabled=False)
    opened(page, product)
    page.locator("#ask-request summary").click()
    page.get_by_text("放到指定位置").click()
    page.get_by_label("放置位置").fill("门口鞋柜")
    page.locator("#ask-request").get_by_role("button", name="发送").click()
    expect(page.locator("#talk-thread")).to_contain_text("门口鞋柜")


@pytest.mark.parametrize("width", [320, 390, 768])
@pytest.mark.parametrize("size", ["normal", "large"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_sticks_out_of_the_forms(open_page, company, width, size, language):
    product, _mail = company
    page = open_page(PHONE | {"viewport": {"width": width, "height": 800}})
    opened(page, product)
    page.evaluate("size => localStorage.setItem('zaitu.size', size)", size)
    page.goto(f"{product.url}/t/{product.facts.waybill}?lang={language}")
    for kind in ("question", "request", "complaint"):
        page.locator(f"#ask-{kind} summary").click()
        if kind == "request":
            page.locator("[value=receiver]").check()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        culprits = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(one => one.getBoundingClientRect().right >"
            " document.documentElement.clientWidth + 1).map(one => one.outerHTML.slice(0, 80))"
        )
        assert wide <= 0, (kind, culprits)
