"""Bytes of a page's first view, as a real browser receives them."""

import shutil
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

_CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SETTLED_MS: Final = 3_000
"""After `load`: what scripts fetch later (the live stream stays open, so the network never falls silent)."""


def transferred(url: str) -> dict[str, int]:
    """Path → bytes on the wire (head and body) of everything the first view fetches, an empty cache before it."""
    program = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        raise SystemExit(
            "make bench needs Chromium. Install it (Debian, Ubuntu: apt-get install chromium) and run again."
        )
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def asked(event: dict[str, Any]) -> None:
        names[event["requestId"]] = urlsplit(event["request"]["url"]).path

    def arrived(event: dict[str, Any]) -> None:
        name = names[event["requestId"]]
        sizes[name] = sizes.get(name, 0) + int(event["encodedDataLength"])

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN").new_page()
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.requestWillBeSent", asked)
        wire.on("Network.loadingFinished", arrived)
        page.goto(url, wait_until="load")
        page.wait_for_timeout(_SETTLED_MS)
        browser.close()
    return sizes
