"""What the text of a setting must look like, beyond its type. Each check returns the value or raises ValueError with words for the operator.

Libraries are imported where they are needed: most commands meet an empty setting, and some must start in a tenth of a second.
"""

import base64
import binascii
import ipaddress
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_DATA_KEY_BYTES: Final = 32
_SIGN_MAX: Final = 20


def database_url(text: str) -> str:
    from psycopg import ProgrammingError  # noqa: PLC0415  only for a database of one's own
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        conninfo_to_dict(text)
    except ProgrammingError:
        raise ValueError("要写成 postgresql://用户:密码@主机/库名") from None
    return text


def data_key(text: str) -> str:
    for number, part in enumerate(text.split(","), start=1):
        try:
            length = len(base64.urlsafe_b64decode(part.strip()))
        except (binascii.Error, ValueError):
            raise ValueError(f"第 {number} 个密钥不是 URL 安全的 base64") from None
        if length != _DATA_KEY_BYTES:
            raise ValueError(f"第 {number} 个密钥是 {length} 字节，须为 {_DATA_KEY_BYTES} 字节")
    return text


def public_url(text: str) -> str:
    _address(text, {"http", "https"}, "要写成 https://主机，带 http:// 或 https://")
    return text


def api_url(text: str) -> str:
    """Without a slash at the end."""
    _address(text, {"http", "https"}, "要写成 https://主机，带 http:// 或 https://")
    return text.rstrip("/")


def wechat_aes_key(text: str) -> str:
    try:
        length = len(base64.b64decode(f"{text}=", validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if length != _DATA_KEY_BYTES:
        raise ValueError("要写成公众平台上的 EncodingAESKey，43 个字母或数字")
    return text


def smtp_url(text: str) -> str:
    _address(text, {"smtp", "smtps"}, "要写成 smtp://用户:密码@主机:端口 或 smtps://…")
    return text


def sms_sign(text: str) -> str:
    if text != text.strip() or "【" in text or "】" in text or len(text) > _SIGN_MAX:
        raise ValueError(f"写审核通过的签名本身，不带【】和空格，最多 {_SIGN_MAX} 个字")
    return text


def cmpp_url(text: str) -> str:
    shape = "要写成 cmpp://账号:密码@主机:7890?version=3.0&source=接入号"
    parts, asked = _signed_in(text, {"cmpp"}, shape)
    if len(unquote(parts.username or "").encode()) > 6 or len(asked.get("enterprise", "").encode()) > 6:
        raise ValueError("账号和企业代码最多 6 个字符")
    if asked.get("version", "3.0") not in {"2.0", "3.0"}:
        raise ValueError("version 须为 2.0 或 3.0")
    source = asked.get("source", "")
    if not source.isdigit() or not source.isascii() or len(source) > 21:
        raise ValueError("source 须为接入号，最多 21 位数字")
    lengths = {"service": 10, "fee_type": 2, "fee_code": 6}
    _fits(asked, lengths)
    return text


def smpp_url(text: str) -> str:
    shape = "要写成 smpp://账号:密码@主机:2775?source=发送号码 或 smpps://…"
    parts, asked = _signed_in(text, {"smpp", "smpps"}, shape)
    if len(unquote(parts.username or "").encode()) > 15 or len(unquote(parts.password or "").encode()) > 8:
        raise ValueError("账号最多 15 个字符，密码最多 8 个")
    _fits(asked, {"source": 20, "service": 5, "system_type": 12})
    if asked.get("alphabet", "gsm7") not in {"gsm7", "ucs2"}:
        raise ValueError("alphabet 须为 gsm7 或 ucs2")
    if asked.get("ids", "same") not in {"same", "hex"}:
        raise ValueError("ids 须为 same 或 hex")
    return text


def _signed_in(text: str, schemes: set[str], expected: str) -> tuple[SplitResult, dict[str, str]]:
    """An address with an account and what it asks for; the numbers that all operators' lines know are checked."""
    _address(text, schemes, expected)
    parts = urlsplit(text)
    if not parts.username or not parts.password:
        raise ValueError(expected)
    asked = dict(parse_qsl(parts.query))
    most = {"window": 64, "rate": 100_000, "beat": 3600, "fee_user": 3, "source_ton": 255, "source_npi": 255}
    for name, limit in most.items():
        number = asked.get(name, "1")
        least = 1 if name in {"window", "beat"} else 0
        if not number.isascii() or not number.isdigit() or not least <= int(number) <= limit:
            raise ValueError(f"{name} 须为 {least}–{limit} 的整数")
    return parts, asked


def _fits(asked: dict[str, str], lengths: dict[str, int]) -> None:
    for name, most in lengths.items():
        if len(asked.get(name, "")) > most or not asked.get(name, "").isascii():
            raise ValueError(f"{name} 最多 {most} 个英文字符")


def nats_url(text: str) -> str:
    """Without blanks between the addresses."""
    return _addresses(text, {"nats", "tls"}, "要写成 nats://主机:端口，多个用英文逗号隔开")


def nats_monitor_url(text: str) -> str:
    """Without blanks between the addresses."""
    return _addresses(text, {"http", "https"}, "要写成 http://主机:端口，多个用英文逗号隔开")


def mqtt_url(text: str) -> str:
    _address(text, {"mqtt", "mqtts"}, "要写成 mqtt://用户:密码@主机:1883 或 mqtts://…")
    return text


def mqtt_topics(text: str) -> str:
    from zaitu.kernel.topics import Topic  # noqa: PLC0415  only with sensors

    for part in text.split(","):
        try:
            Topic.parse(part)
        except ValueError:
            raise ValueError(
                f"{part.strip() or '（空）'} 不是 MQTT 主题：# 只能在最后，+ 和 {{device}} 各占一整层，{{device}} 只能出现一次"
            ) from None
    return text


def odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError(f"须为 1、3 或 5，不能是 {number}：副本数为偶数时，坏一台就可能停下")
    return number


def _addresses(text: str, schemes: set[str], expected: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        _address(part, schemes, expected)
    return ",".join(parts)


def _address(text: str, schemes: set[str], expected: str) -> None:
    try:
        parts = urlsplit(text)
        known = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an unclosed bracket
        known = False
    if not known:
        raise ValueError(expected)


def networks(text: str) -> str:
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise ValueError(f"{part} 不是 IP 地址或网段（如 10.0.0.0/8）") from None
    return text


def agi_command(text: str) -> str:
    if text.count('"{text}"') != 1 or not text.isprintable() or len(text) > 200:
        raise ValueError('要写成一条 AGI 命令，其中有一个 "{text}"，如 EXEC Espeak "{text}"')
    return text


def pem_file(path: Path | None) -> Path | None:
    if path is not None:
        try:
            path.read_bytes()
        except OSError as error:
            raise ValueError(f"读不了 {path}：{error.strerror}") from None
    return path


def pem_pair(certificate: Path | None, key: Path | None) -> None:
    """Both or neither, and the key is the certificate's."""
    if certificate is None and key is None:
        return
    import ssl  # noqa: PLC0415  only with a certificate

    if certificate is None or key is None:
        raise ValueError("证书和私钥要一起设置")
    if b"ENCRYPTED PRIVATE KEY" in key.read_bytes() or b"Proc-Type: 4,ENCRYPTED" in key.read_bytes():
        raise ValueError(f"私钥 {key} 有口令：请换成没有口令的（openssl pkey -in 旧文件 -out 新文件）")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError:
        raise ValueError(f"{certificate} 和 {key} 不是一对 PEM 证书与私钥") from None
