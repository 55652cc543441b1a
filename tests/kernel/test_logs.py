import io
import json
import logging

import pytest

from tests.personal import readable
from zaitu.kernel import logs


@pytest.fixture
def lines():
    """What was logged through the house's formatter, as objects."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs.formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_is_json_with_its_facts(lines):
    logs.logger("telemetry.gateway").info("terminal signed in", terminal="13912345", fixes=3, detail="first")
    (line,) = lines()
    assert line["event"] == "terminal signed in"
    assert line["logger"] == "zaitu.telemetry.gateway"
    assert line["level"] == "info"
    assert line["fixes"] == 3
    assert line["detail"] == "first"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name",
    [
        "phone",
        "consignee_phone",
        "phone_tail",
        "tail",
        "token",
        "api_key",
        "password",
        "Authorization",
        "cookie",
        "email",
        "address",
    ],
)
def test_personal_and_secret_facts_are_blotted_by_name(lines, name):
    logs.logger("x").info("fact", **{name: "5678"})
    assert readable(json.dumps(lines()), "5678") == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("called 13812345678 twice", "13812345678"),
        ("called 138-1234-5678", "-5678"),
        ("tel 021-61234567 busy", "61234567"),
        ("GET /api/v1/track/ZT0412883755124?phone_tail=5678 HTTP/1.1", "=5678"),
        ("GET /t/ZT0412883755124?lang=en&k=Zk3rT9xQ2bLm8vYw HTTP/1.1", "Zk3rT9xQ2bLm8vYw"),
        ("GET /t/ZT0412883755124?s=eyJhbGciOi", "eyJhbGciOi"),
        ("Authorization: Bearer zt_live_abc.def", "zt_live_abc"),
        ("to wang@example.cn failed", "wang@example.cn"),
        ("smtp://user:hunter2@mail:587", "hunter2"),
    ],
)
def test_personal_and_secret_text_is_blotted_wherever_it_stands(lines, text, secret):
    logging.getLogger("another.library").info(text)
    logging.getLogger("some.library").warning("said: %s", text)
    logs.logger("x").warning("odd", detail={"inner": [text]})
    try:
        int(text)
    except ValueError:
        logs.logger("x").exception("failed")
    written = lines()
    assert len(written) == 4
    assert secret not in json.dumps(written, ensure_ascii=False)


def test_waybills_and_terminals_stay_readable(lines):
    logs.logger("x").info("seen", waybill="ZT1381234567890", text="ZT1381234567890 of terminal 013912345678")
    (line,) = lines()
    assert line["waybill"] == "ZT1381234567890"
    assert "ZT1381234567890" in line["text"]


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("Internal Server Error: /k/Q7mX2kT9vLbR4cHs", "Internal Server Error: /k/***"),
        ("/callbacks/aliyun/0123456789abcdef?x=1", "/callbacks/aliyun/***?x=1"),
        ("/t/ZT3817460293559/files/eyJ3Ijoi.abc", "/t/ZT3817460293559/files/***"),
        ("/t/ZT3817460293559", "/t/ZT3817460293559"),
        ("/kiosk/abc", "/kiosk/abc"),
    ],
)
def test_addresses_that_open_something_by_themselves_are_blotted(path, left):
    assert logs.blotted(path) == left
