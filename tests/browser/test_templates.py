"""Wording an SMS in a browser: the preview follows what is typed."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_console import sign_in


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_sms_is_worded_with_its_preview_and_the_default_comes_back(open_page, product, shot, device):
    page, name = sign_in(open_page(device), product), "phone" if device == PHONE else "desktop"
    page.goto(f"{product.url}/console/templates")
    expect(page.get_by_role("heading", name="短信与消息模板")).to_be_visible()
    shot(page, f"console-templates-{name}", whole=True)
    page.get_by_role("link", name="签收通知").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("您的货物ZT3817460293559已签收")
    page.get_by_label("内容").fill("您的货物{waybill}已由{signed_by}，谢谢")
    expect(preview).to_contain_text("您的货物ZT3817460293559已由本人签收，谢谢")
    expect(preview).to_contain_text(re.compile(r"\d+ 个字 · 按 1 条短信计费"))
    shot(page, f"console-template-{name}", whole=True)
    page.get_by_label("内容").fill("您的货物{driver}")
    expect(preview).to_contain_text("没有这个变量")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#f-text ~ .field-error")).to_contain_text("没有这个变量")
    page.get_by_label("内容").fill("您的货物{waybill}已由{signed_by}，谢谢")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存，下一条消息起生效")).to_be_visible()
    page.get_by_role("link", name="签收通知").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="恢复默认").click()
    expect(page.get_by_text("已恢复默认模板")).to_be_visible()
