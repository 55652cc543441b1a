"""Headless Chromium on the running product. Browser tests share one product, in a run of their own (scripts/test)."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.running import Installation

HERE = Path(__file__).parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Product(Installation):
    """The demo company, running."""

    facts: SimpleNamespace
    """What `var/demo.json` says: waybill, phone_tail, console_user, console_password, api_key …"""


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    place = Path(tempfile.mkdtemp(prefix="zaitu-browser-"))
    place.chmod(0o711)
    running = Product(place / "home")
    try:
        running.up("--demo")
        running.facts = SimpleNamespace(
            **json.loads((running.home / "demo.json").read_text(encoding="utf-8"))
        )
        yield running
    finally:
        running.ensure_stopped()
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert program, "these tests need Chromium: apt-get install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[*(["--no-sandbox"] if os.geteuid() == 0 else []), "--use-fake-device-for-media-stream"],
        )
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Leaves each phase's outcome on the test, so that a failed one can leave pictures."""
    report = yield
    setattr(item, f"{report.when}_failed", report.failed)
    return report


@pytest.fixture
def open_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """`open_page(PHONE)`: a page of its own; the test fails when a script fails or a foreign host is asked."""
    contexts, troubles = [], []

    def make(device: dict, **options: object) -> Page:
        context = chromium.new_context(
            **(
                device
                | {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "ignore_https_errors": True}
                | options
            )
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.on("request", lambda request: troubles.extend(_foreign(request.url)))
        return page

    yield make
    for number, context in enumerate(contexts):
        if getattr(request.node, "call_failed", False):
            picture = Path(request.config.getoption("--shots")) / f"failed-{request.node.name}-{number}.png"
            context.pages[0].screenshot(path=picture)
        context.close()
    assert troubles == []


def _foreign(url: str) -> list[str]:
    parts = urlsplit(url)
    local = parts.scheme in {"data", "blob", "about"} or parts.hostname in {"127.0.0.1", "localhost"}
    return [] if local else [f"foreign request: {url}"]


@pytest.fixture
def phone(open_page: Callable[..., Page]) -> Page:
    """390 × 844, touch."""
    return open_page(PHONE)


@pytest.fixture
def desktop(open_page: Callable[..., Page]) -> Page:
    """1440 × 900."""
    return open_page(DESKTOP)


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Callable[..., Path]:
    """`shot(page, "tracking")` writes a picture; into docs/pictures with `--shots docs/pictures`."""
    folder = Path(request.config.getoption("--shots"))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str, *, whole: bool = False) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=whole, animations="disabled")
        return path

    return take
