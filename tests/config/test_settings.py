"""What an operator wrote wrongly is answered with one sentence, and nothing is started."""

import base64

import pytest

from zaitu.config import cli, env
from zaitu.config.env import Env
from zaitu.config.homes import Home
from zaitu.config.server import reserve, serve
from zaitu.kernel.errors import Unavailable

KEY = base64.urlsafe_b64encode(bytes(32)).decode()

WRONG = [
    ("TLS_CERTIFICATE", "/nonexist", "读不了 /nonexist"),
    ("TLS_PRIVATE_KEY", "/nonexist", "读不了 /nonexist"),
    ("JT808_TLS_CERTIFICATE", "/nonexist", "读不了 /nonexist"),
    ("DATABASE_URL", "nonsense", "postgresql://"),
    ("DATA_KEY", "short", "base64"),
    ("DATA_KEY", "c2hvcnQ=", "5 字节"),
    ("DATA_KEY", f"{KEY},", "第 2 个密钥"),
    ("PUBLIC_URL", "t.example.cn", "https://"),
    ("PUBLIC_URL", "https://", "https://"),
    ("SMTP_URL", "nonsense", "smtp://"),
    ("SMTP_URL", "smtp://mail:port", "smtp://"),
    ("TRUSTED_PROXIES", "garbage", "garbage 不是 IP 地址"),
]


@pytest.fixture(autouse=True)
def fresh():
    """The settings are read anew inside a test, and again after it."""
    env.env.cache_clear()
    yield
    env.env.cache_clear()


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_a_wrong_setting_is_one_sentence(monkeypatch, capsys, name, value, expected):
    monkeypatch.setenv(f"ZAITU_{name}", value)
    with pytest.raises(SystemExit) as ended:
        cli.main(["up"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"zaitu: 设置 ZAITU_{name} 不正确：")
    assert expected in said
    assert "error" not in said
    assert said.count("\n") == 1


def test_right_settings_are_taken(certificate):
    pem, key = certificate.chain, certificate.key
    taken = Env(
        database_url="postgresql://zaitu:x@db/zaitu",
        data_key=f"{KEY}, {KEY}",
        public_url="https://t.example.cn/",
        smtp_url="smtps://u:p@mail.example.cn:465",
        trusted_proxies="10.0.0.0/8, ::1",
        tls_certificate=pem,
        tls_private_key=key,
    )
    assert taken.address == "https://t.example.cn"


def test_an_empty_certificate_is_none():
    assert Env(tls_certificate="", tls_private_key="").address.startswith("http://")


def test_a_certificate_needs_its_own_key(certificate):
    pem = certificate.chain
    with pytest.raises(ValueError, match="一起设置"):
        Env(tls_certificate=pem)
    with pytest.raises(ValueError, match="不是一对"):
        Env(tls_certificate=pem, tls_private_key=pem)


@pytest.mark.parametrize("path", ["/proc/x", "/dev/null", "/dev/null/x"])
def test_a_home_that_cannot_be_made_is_one_sentence(monkeypatch, capsys, path):
    monkeypatch.setenv("ZAITU_HOME", path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["up"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"zaitu: 建不了数据目录 {path}")
    assert said.count("\n") == 1


def test_a_home_that_cannot_be_written_is_one_sentence():
    with pytest.raises(Unavailable, match="ZAITU_HOME"):
        Home.made(Home(env.Path("/proc/sys")))


@pytest.mark.parametrize("host", ["300.1.1.1", "203.0.113.7"])
def test_an_address_of_another_machine_is_not_called_a_taken_port(host):
    with pytest.raises(Unavailable, match=f"本机没有地址 {host}"):
        reserve(host, 18_432)
    with pytest.raises(Unavailable, match=f"本机没有地址 {host}"):
        serve(Env(http_host=host, http_port=18_432))
