"""Our signatures are those of the providers' own SDKs, and the contract servers judge as the providers do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine

from tests.notify.aliyun_server import Aliyun
from tests.notify.sms_server import Asked
from tests.notify.tencent_server import Tencent
from zaitu.notify.channels.aliyun import signing as aliyun
from zaitu.notify.channels.tencent import signing as tencent

SENT = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
"""About when the SDKs sent them."""
VECTORS = json.loads(Path(__file__).with_name("sms_vectors.json").read_text(encoding="utf-8"))
NAMES = {
    "phone_numbers": "PhoneNumbers",
    "sign_name": "SignName",
    "template_code": "TemplateCode",
    "template_param": "TemplateParam",
    "out_id": "OutId",
}
"""What the SDK calls Aliyun's parameters."""


def asked(sent) -> Asked:
    _method, target, _version = sent["line"].split(" ")
    return Asked(target, sent["headers"], sent["body"].encode())


@pytest.mark.parametrize("one", VECTORS["aliyun"]["requests"])
def test_what_aliyuns_sdk_signs_we_sign_alike(one):
    headers = one["sent"]["headers"]
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    signed = {name: headers[name] for name in names}
    query = aliyun.query_of({NAMES[name]: value for name, value in one["asked"].items()})
    keys = {name: VECTORS["aliyun"][name] for name in ("key_id", "secret")}
    assert dict(parse_qsl(query)) == dict(parse_qsl(urlsplit(asked(one["sent"]).target).query))
    assert aliyun.authorization(query, signed, **keys) == headers["authorization"]


def test_aliyuns_headers_are_those_of_its_sdk():
    headers = VECTORS["aliyun"]["requests"][0]["sent"]["headers"]
    at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    ours = aliyun.headers_of(
        "SendSms",
        host=headers["host"],
        version="2017-05-25",
        nonce=headers["x-acs-signature-nonce"],
        at=at,
    )
    assert ours == {name: headers[name] for name in ours}


@pytest.mark.parametrize("one", VECTORS["tencent"]["requests"])
def test_what_tencents_sdk_signs_we_sign_alike(one):
    headers = one["sent"]["headers"]
    authorization = tencent.authorization(
        one["sent"]["body"].encode(),
        host=headers["host"],
        service="sms",
        at=datetime.fromtimestamp(int(headers["x-tc-timestamp"]), UTC),
        secret_id=VECTORS["tencent"]["secret_id"],
        secret_key=VECTORS["tencent"]["secret_key"],
    )
    assert authorization == headers["authorization"]


@pytest.fixture(params=["aliyun", "tencent"])
def judge(request):
    """A contract server that is only asked for its judgement, and what the provider's SDK has sent."""
    server = {"aliyun": Aliyun, "tencent": Tencent}[request.param]()
    yield server, VECTORS[request.param]["requests"][0]["sent"]
    server.http.server_close()


def test_the_contract_server_takes_what_the_sdk_has_sent(judge):
    server, sent = judge
    with time_machine.travel(SENT, tick=False):
        assert server.not_signed(asked(sent)) == ""


def test_the_contract_server_takes_nothing_that_was_altered(judge):
    server, sent = judge
    altered = asked(sent)
    altered.target = altered.target.replace("13800005678", "13800005679")
    altered.body = altered.body.replace(b"13800005678", b"13800005679")
    with time_machine.travel(SENT, tick=False):
        assert "Signature" in server.not_signed(altered)


def test_the_contract_server_takes_nothing_that_is_old(judge):
    server, sent = judge
    with time_machine.travel(SENT + timedelta(hours=1), tick=False):
        assert "Expire" in server.not_signed(asked(sent))


@pytest.mark.parametrize("judge", ["aliyun"], indirect=True)
def test_aliyuns_contract_server_takes_nothing_twice(judge):
    server, sent = judge
    with time_machine.travel(SENT, tick=False):
        server.not_signed(asked(sent))
        assert server.not_signed(asked(sent)) == "SignatureNonceUsed"
