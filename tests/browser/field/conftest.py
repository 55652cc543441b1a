"""Phones with the field app, signed in, on a server of this process."""

import os
import re

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.access import make as people
from tests.browser.field.hands import sign_in
from tests.journey import make as journey_make

DEVICE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
    "timezone_id": "Asia/Shanghai",
    "permissions": ["geolocation", "camera"],
    "geolocation": {"latitude": 31.2304, "longitude": 121.4737, "accuracy": 15},
}
HEARD = """
  window.heard = [];
  const real = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    const tone = real.call(this);
    const start = tone.start.bind(tone);
    tone.start = (at) => { window.heard.push(tone.type + Math.round(tone.frequency.value)); start(at); };
    return tone;
  };
  window.shaken = [];
  navigator.vibrate = (pattern) => { window.shaken.push(pattern.join("-")); return true; };
"""


@pytest.fixture(scope="session", autouse=True)
def django_beside_playwright():
    """Playwright runs an event loop in this thread, and Django would refuse the database beside it, to the session's end."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture
def order():
    journey_make.carrier()
    return journey_make.order(pieces=3, items=(("KN-1", "刀具", 10),))


@pytest.fixture
def trip(order):
    return journey_make.on_trip(order.waybill)


@pytest.fixture
def field_phone(chromium, live_server):
    """Opens phones: signed-in pages. What a page's console complained of fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_phone(*roles, username, station="SHQP", on=chromium, **options) -> Page:
        people.user(*roles, username=username, station_code=station, name="赵师傅")
        context = on.new_context(base_url=live_server.url, **(DEVICE | options))
        opened.append(context)
        context.add_init_script(HEARD)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        sign_in(page, username)
        return page

    yield open_phone
    for context in opened:
        context.close()
    harmless = re.compile(
        r"Failed to load resource: (net::ERR_(INTERNET_DISCONNECTED|FAILED)|the server responded with a status of (4|5)\d\d)"
    )
    assert [line for line in complaints if not harmless.search(line)] == []
