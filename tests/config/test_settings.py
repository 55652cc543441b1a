"""What an operator wrote wrongly is answered with one sentence, and nothing is started."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization

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
    ("WECHAT_URL", "api.weixin.qq.com", "https://"),
    ("DINGTALK_URL", "ftp://oapi.dingtalk.com", "https://"),
    ("WECHAT_AES_KEY", "short", "43 个字母或数字"),
    ("MINI_AES_KEY", "不是四十三个字母", "43 个字母或数字"),
    ("WECHAT_MESSAGES", "both", "'template' or 'subscribe'"),
    ("TRUSTED_PROXIES", "garbage", "garbage 不是 IP 地址"),
    ("NATS_URL", "nats.example.cn:4222", "nats://主机:端口"),
    ("NATS_URL", "http://nats:4222", "nats://主机:端口"),
    ("NATS_URL", "nats://a:4222,,nats://b:4222", "nats://主机:端口"),
    ("NATS_URL", "nats://a:port", "nats://主机:端口"),
    ("NATS_MONITOR_URL", "nats://a:8222", "http://主机:端口"),
    ("NATS_MONITOR_URL", "http://a:8222,b:8222", "http://主机:端口"),
    ("NATS_UNSYNCED_ALLOWED", "perhaps", "true 或 false"),
    ("NATS_REPLICAS", "2", "须为 1、3 或 5，不能是 2"),
    ("NATS_REPLICAS", "4", "须为 1、3 或 5，不能是 4"),
    ("NATS_REPLICAS", "0", "最小为 1，不能是 0"),
    ("NATS_REPLICAS", "7", "最大为 5，不能是 7"),
    ("NATS_REPLICAS", "three", "须为整数，不能是 three"),
    ("NATS_STREAM_MB", "1", "最小为 16"),
    ("NATS_SHARDS", "0", "最小为 1"),
    ("NATS_SHARDS", "-4", "最小为 1"),
    ("NATS_SHARDS", "2.5", "须为整数"),
    ("POSITIONS_KEEP_DAYS", "59", "不能少于 ZAITU_POSITIONS_ONLINE_DAYS（60 天）"),
    ("JT808_TLS_PRIVATE_KEY", "/nonexist", "读不了 /nonexist"),
    ("JT808_TLS_CERTIFICATE", "/proc", "读不了 /proc"),
    ("GATEWAY_FRONT", "magic", "'sweep' or 'uvloop'"),
    ("LOG_LEVEL", "LOUD", "DEBUG|INFO"),
    ("SMS_SIGN", "【顺驰物流】", "不带【】"),
    ("SMS_SIGN", "顺" * 21, "最多 20 个字"),
    ("SMS_PROVIDER", "pigeon", "'aliyun'"),
    (
        "SMS_PROVIDER",
        "aliyun",
        "还要设置 ZAITU_ALIYUN_ACCESS_KEY_ID、ZAITU_ALIYUN_ACCESS_KEY_SECRET、ZAITU_SMS_SIGN",
    ),
    (
        "SMS_PROVIDER",
        "tencent",
        "ZAITU_TENCENT_SECRET_ID、ZAITU_TENCENT_SECRET_KEY、ZAITU_TENCENT_SMS_APP_ID",
    ),
    ("ALIYUN_SMS_URL", "dysmsapi.aliyuncs.com", "https://"),
    ("TENCENT_SMS_VARIABLE_CHARS", "0", "最小为 1"),
    ("DEMO_SPEED", "fast", "须为数字"),
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


@pytest.fixture
def locked_key(certificate, tmp_path):
    """The certificate's key under a passphrase."""
    key = serialization.load_pem_private_key(certificate.key.read_bytes(), None)
    path = tmp_path / "locked.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("right", None, "uvloop"), "一起设置"),
        ((None, "right", "uvloop"), "一起设置"),
        (("right", "certificate", "uvloop"), "不是一对"),
        (("right", "locked", "uvloop"), "有口令"),
        (("right", "right", "sweep"), "ZAITU_GATEWAY_FRONT 要设为 uvloop"),
    ],
)
def test_wrong_tls_of_terminals_is_one_sentence(
    monkeypatch, capsys, certificate, locked_key, given, expected
):
    certificate_is, key_is, front = given
    paths = {"right": certificate.key, "certificate": certificate.chain, "locked": locked_key, None: ""}
    monkeypatch.setenv("ZAITU_JT808_TLS_CERTIFICATE", str(certificate.chain) if certificate_is else "")
    monkeypatch.setenv("ZAITU_JT808_TLS_PRIVATE_KEY", str(paths[key_is]))
    monkeypatch.setenv("ZAITU_GATEWAY_FRONT", front)
    with pytest.raises(SystemExit) as ended:
        cli.main(["up"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("zaitu: 设置 ZAITU_JT808_TLS_PRIVATE_KEY 不正确：")
    assert expected in said
    assert said.count("\n") == 1


def test_right_settings_of_a_fleet_are_taken(certificate):
    taken = Env(
        nats_url="nats://a:4222, tls://b:4222",
        nats_monitor_url="http://a:8222",
        nats_replicas=3,
        gateway_front="uvloop",
        jt808_tls_certificate=certificate.chain,
        jt808_tls_private_key=certificate.key,
    )
    assert taken.nats_url == "nats://a:4222,tls://b:4222"


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
