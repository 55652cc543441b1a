"""The phone's camera: Chromium plays a video of a label as if a camera saw it."""

import io
import json
import os
import shutil

import barcode
import numpy as np
import pytest
import segno
from barcode.writer import ImageWriter
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import CHROMIUM
from tests.browser.field.hands import answered, kinds, tile

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = (640, 480)


def label_picture(code, text):
    """A printed label as a camera sees it: slightly turned, grey, in the middle of the picture."""
    out = io.BytesIO()
    if code == "qr":
        segno.make(text, error="m").save(out, kind="png", scale=6, border=4)
    else:
        options = {"module_width": 0.3, "module_height": 18, "quiet_zone": 6, "write_text": False}
        barcode.get("code128", text, writer=ImageWriter()).write(out, options)
    mark = Image.open(out).convert("L")
    mark.thumbnail((SIZE[0] - 60, SIZE[1] - 60))
    scene = Image.new("L", SIZE, 205)
    scene.paste(mark, ((SIZE[0] - mark.width) // 2, (SIZE[1] - mark.height) // 2))
    return scene.rotate(3, fillcolor=205, resample=Image.BICUBIC)


def video(path, picture, frames=20):
    """YUV4MPEG2, which Chromium's fake camera plays."""
    luma = np.asarray(picture, dtype=np.uint8).tobytes()
    chroma = bytes([128]) * (SIZE[0] * SIZE[1] // 2)
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F10:1 Ip A1:1 C420\n".encode())
        for _ in range(frames):
            out.write(b"FRAME\n" + luma + chroma)


@pytest.fixture
def camera(chromium, tmp_path):
    """A browser whose camera sees this picture."""
    opened = []

    def see(picture):
        film = tmp_path / "camera.y4m"
        video(film, picture)
        browser = chromium.browser_type.launch(
            executable_path=chromium_path(),
            args=[
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        opened.append(browser)
        return browser

    yield see
    for browser in opened:
        browser.close()


def chromium_path():
    return next(filter(None, map(shutil.which, CHROMIUM)))


@pytest.mark.parametrize("code", ["code128", "qr", "link"])
def test_a_label_held_before_the_camera_is_scanned_once(field_phone, camera, order, shot, code):
    label = order.pieces[0]
    text = f"https://t.example.cn/t/{order.waybill}" if code == "link" else label
    browser = camera(label_picture("qr" if code == "link" else code, text))
    page = field_phone("warehouse", username="cangku", on=browser)
    tile(page, "collected")
    page.locator("#camera").click()
    answered(page, "ok", order.waybill if code == "link" else label)
    expect(page.locator("video")).to_be_visible()
    shot(page, f"field-camera-{code}")
    page.wait_for_timeout(3_500)  # the label is still there: it must not count again
    assert kinds(order.waybill) == ["collected"]
    page.locator("#camera").click()
    expect(page.locator("video")).to_be_hidden()
    assert json.loads(page.evaluate("JSON.stringify(document.querySelector('video').srcObject)")) is None


def test_without_leave_to_use_the_camera_the_page_says_what_else_works(field_phone, order):
    page = field_phone("warehouse", username="cangku", permissions=[])
    tile(page, "collected")
    page.locator("#camera").click()
    expect(
        page.get_by_text("可用扫码枪或手工录入").or_(page.get_by_text("用扫码枪、手工录入"))
    ).to_be_visible()
