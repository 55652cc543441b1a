"""Every setting of an installation: `ZAITU_*` in the environment, one field each.

A secret may also be a file: `ZAITU_SECRET_KEY_FILE=/run/secrets/key` (the fields named in SECRETS).
docs/settings.md is generated from this class.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from zaitu.config import values
from zaitu.kernel.errors import Invalid

SECRETS: Final = (
    "database_url",
    "secret_key",
    "data_key",
    "smtp_url",
    "mqtt_url",
    "aliyun_access_key_secret",
    "tencent_secret_key",
    "cmpp_url",
    "smpp_url",
    "wechat_secret",
    "wechat_callback_token",
    "wechat_aes_key",
    "mini_secret",
    "mini_callback_token",
    "mini_aes_key",
)
_SMS_NEEDS: Final = {
    "aliyun": ("aliyun_access_key_id", "aliyun_access_key_secret", "sms_sign"),
    "tencent": ("tencent_secret_id", "tencent_secret_key", "tencent_sms_app_id", "sms_sign"),
    "cmpp": ("cmpp_url",),
    "smpp": ("smpp_url",),
}
"""What a provider cannot send without."""
_PEMS: Final = ("jt808_tls_certificate", "jt808_tls_private_key", "tls_certificate", "tls_private_key")
_SHAPES: Final = {
    "database_url": values.database_url,
    "nats_url": values.nats_url,
    "nats_monitor_url": values.nats_monitor_url,
    "data_key": values.data_key,
    "public_url": values.public_url,
    "smtp_url": values.smtp_url,
    "cmpp_url": values.cmpp_url,
    "smpp_url": values.smpp_url,
    "mqtt_url": values.mqtt_url,
    "mqtt_topics": values.mqtt_topics,
    "wechat_url": values.api_url,
    "wecom_url": values.api_url,
    "dingtalk_url": values.api_url,
    "feishu_url": values.api_url,
    "wechat_aes_key": values.wechat_aes_key,
    "mini_aes_key": values.wechat_aes_key,
    "trusted_proxies": values.networks,
    "aliyun_sms_url": values.public_url,
    "tencent_sms_url": values.public_url,
    "sms_sign": values.sms_sign,
    "ivr_agi_say": values.agi_command,
}


class Env(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ZAITU_", frozen=True, extra="ignore")

    home: Path = Field(default=Path("var"))
    """Where this installation keeps everything: database, files, secrets, logs."""
    database_url: str = ""
    """`postgresql://…` of a PostgreSQL ≥ 15; empty: Zaitu starts its own under the home."""
    public_url: str = ""
    """The address customers see, e.g. `https://t.example.cn`; empty: built from the host and port in use."""
    http_host: str = "0.0.0.0"  # noqa: S104  a server that customers' phones reach listens on every address
    """Address the web server listens on."""
    http_port: int = Field(default=8000, ge=1, le=65535)
    """TCP port of pages and API."""
    web_processes: int = Field(default=1, ge=1, le=64)
    """Web server processes on this machine, all on one port."""
    jt808_host: str = "0.0.0.0"  # noqa: S104  terminals connect from mobile networks
    """Address the device gateway listens on."""
    jt808_port: int = Field(default=7018, ge=1, le=65535)
    """TCP port of the JT/T 808 gateway."""
    elock_port: int = Field(default=7019, ge=0, le=65535)
    """TCP port of electronic locks that speak Jointech's own languages (JT701); 0: none. Unset and taken: none, and `up` says so. Those in JT/T 808 frames use `jt808_port`."""
    tick_ms: int = Field(default=50, ge=5, le=5000)
    """How long the gateway gathers frames before one write, milliseconds."""
    gateway_front: Literal["sweep", "uvloop"] = "sweep"
    """Who holds the terminals' connections: `sweep` (cheapest a frame) or `uvloop` (needed for TLS to terminals)."""
    gateway_processes: int = Field(default=1, ge=1, le=64)
    """Gateway processes on this machine, all on one port; one holds up to 20,000 connections, and where the system allows fewer files, fewer."""
    nats_url: str = ""
    """`nats://host:4222` (several comma separated) of a NATS JetStream: gateways put positions into it, `zaitu ingest` stores them,
    on as many machines as wished. Empty: one machine, the gateway stores them itself."""
    nats_monitor_url: str = ""
    """`http://host:8222` (of a cluster all, comma separated): asked at start whether the NATS servers sync to disk before they
    acknowledge; those that do not answer are left out."""
    nats_unsynced_allowed: bool = False
    """Start although it does not: a power cut may then cost positions that were acknowledged."""
    nats_replicas: int = Field(default=1, ge=1, le=5)
    """Servers that keep a copy of each position that waits to be stored: 1, 3 or 5; 3 in a cluster of three."""
    nats_stream_mb: int = Field(default=4096, ge=16)
    """Room for positions that wait to be stored, megabytes; when it is full, gateways make their terminals wait."""
    nats_shards: int = Field(default=4, ge=1, le=256)
    """Parts of the fleet that workers share; at least as many as workers. Changed only while nothing waits in the stream."""
    mqtt_url: str = ""
    """`mqtt://user:password@host:1883` or `mqtts://…:8883` of the broker that sensors report to; empty: none."""
    mqtt_topics: str = "sensors/{device}"
    """Topics to hear, comma separated; `{device}` is the level that names the device, `+` and `#` as MQTT has them."""
    positions_online_days: int = Field(default=60, ge=14, le=3650)
    """Days after which positions move from the database into compressed files in the home; they are read as before."""
    positions_keep_days: int = Field(default=400, ge=30, le=36500)
    """Days after which positions are deleted, at least `positions_online_days`. Authorities ask for at least six months."""
    media_day_mb: int = Field(default=50, ge=1, le=10_000)
    """Megabytes of pictures, sounds and films that one terminal may send in 24 hours; more is refused. Kept as long as positions."""
    jt808_tls_certificate: Path | None = None
    """PEM certificate chain for terminals that speak TLS; with `jt808_tls_private_key` and the front `uvloop`. Empty: plain TCP."""
    jt808_tls_private_key: Path | None = Field(default=None, validate_default=True)
    """PEM private key for terminals' TLS (path)."""
    tls_certificate: Path | None = None
    """PEM certificate chain for HTTPS; with `tls_private_key`. Empty: plain HTTP (put a reverse proxy before it)."""
    tls_private_key: Path | None = Field(default=None, validate_default=True)
    """PEM private key for HTTPS (path)."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses or networks (`10.0.0.0/8`) of reverse proxies whose X-Forwarded-For and -Proto are believed, comma separated."""
    secret_key: str = ""
    """Signing key; empty: made at first start and kept in the home (mode 0600)."""
    data_key: str = ""
    """32 bytes in URL-safe base64 for personal data; several, comma separated and newest first, to change it (docs/adr/0012).
    Empty: made at first start and kept in the home (mode 0600)."""
    smtp_url: str = ""
    """`smtp://user:password@host:587` (STARTTLS), `smtps://…:465`, or `smtp://127.0.0.1:1025`; empty: no e-mail is sent."""
    mail_from: str = "在途 <no-reply@localhost>"
    """Sender of e-mail."""
    sms_sign: str = ""
    """The signature that SMS begin with, as the provider has approved it, without brackets: `顺驰物流`."""
    aliyun_access_key_id: str = ""
    """Aliyun's AccessKey ID (of a RAM user that may send SMS and nothing else)."""
    aliyun_access_key_secret: str = ""
    """Its secret."""
    aliyun_sms_url: str = "https://dysmsapi.aliyuncs.com"
    """Where Aliyun takes SMS; another region's address, or a test server."""
    tencent_secret_id: str = ""
    """Tencent Cloud's SecretId (of a sub-account that may send SMS and nothing else)."""
    tencent_secret_key: str = ""
    """Its SecretKey."""
    tencent_sms_app_id: str = ""
    """SdkAppId of the SMS application, as `1400006666`."""
    tencent_sms_region: str = Field(default="ap-guangzhou", pattern="^[a-z]+-[a-z0-9-]+$")
    """Tencent's region for SMS: `ap-guangzhou`, `ap-beijing` or `ap-nanjing`."""
    tencent_sms_url: str = "https://sms.tencentcloudapi.com"
    """Where Tencent Cloud takes SMS; or a test server."""
    tencent_sms_variable_chars: int = Field(default=6, ge=1, le=500)
    """Longest value of one variable that Tencent allows this account, characters: 6 for new ones. A tracking link needs 16: apply for it."""
    cmpp_url: str = ""
    """`cmpp://account:secret@host:7890?version=3.0&source=10690000` of an operator's gateway, for the provider `cmpp`. `version` 2.0 or 3.0,
    `source` 接入号, `service` 业务代码, `enterprise` 企业代码 where it is not the account, `fee_user`, `fee_type`, `fee_code`; `window` (16)
    unanswered messages at most, `rate` (100) a second at most, `beat` (30) seconds of silence before the line is tested."""
    smpp_url: str = ""
    """`smpp://system_id:password@host:2775?source=10690000` or `smpps://…:3550` (TLS) of an SMPP 3.4 server, for the provider `smpp`.
    `source` number or name, `source_ton`, `source_npi`, `system_type`, `service`; `alphabet=ucs2`: never GSM-7; `ids=hex`: receipts name in
    decimal what was answered in hexadecimal; `window`, `rate`, `beat` as in `cmpp_url`."""
    sms_provider: Literal["", "aliyun", "tencent", "cmpp", "smpp"] = ""
    """Who sends SMS; empty: nobody. Each needs what is named after it; `aliyun` and `tencent` the signature too."""
    wechat_appid: str = ""
    """AppID of the WeChat service account 公众号; with `wechat_secret`. Empty: nobody is told that way."""
    wechat_secret: str = ""
    """Its AppSecret."""
    wechat_messages: Literal["template", "subscribe"] = "template"
    """What the service account sends: template messages to followers, or subscription notices 订阅通知 to those who have agreed."""
    wechat_callback_token: str = ""
    """The token 令牌 of its server settings, whose address is `https://…/callbacks/wechat`; empty: events are refused."""
    wechat_aes_key: str = ""
    """EncodingAESKey of its server settings, 43 characters; once it is set, only encrypted events are taken."""
    wechat_url: str = "https://api.weixin.qq.com"
    """Where WeChat's interface is, also the mini-program's; changed only for a proxy of one's own or for tests."""
    mini_appid: str = ""
    """AppID of the WeChat mini-program; with `mini_secret`. Empty: nobody is told that way."""
    mini_secret: str = ""
    """Its AppSecret."""
    mini_page: str = ""
    """Page that a message opens, as `pages/track/index?waybill={waybill}&k={token}`; empty: none."""
    mini_state: Literal["formal", "trial", "developer"] = "formal"
    """Version of the mini-program that a message opens."""
    mini_callback_token: str = ""
    """The token 令牌 of its message push 消息推送, whose address is `https://…/callbacks/mini`; empty: events are refused."""
    mini_aes_key: str = ""
    """EncodingAESKey of its message push, 43 characters; once it is set, only encrypted events are taken."""
    wecom_url: str = "https://qyapi.weixin.qq.com"
    """Where WeCom's robots are."""
    dingtalk_url: str = "https://oapi.dingtalk.com"
    """Where DingTalk's robots are."""
    feishu_url: str = "https://open.feishu.cn"
    """Where Feishu's robots are."""
    webhook_private_allowed: bool = False
    """Allow webhooks to private and loopback addresses (tests and closed networks only)."""
    message_blank_days: int = Field(default=90, ge=7, le=3650)
    """Days after which address, words and answers of a message that was told are blanked."""
    message_keep_days: int = Field(default=400, ge=7, le=3650)
    """Days after which a message and the record of its tries are deleted."""
    talk_blank_days: int = Field(default=400, ge=30, le=3650)
    """Days after the last word of a conversation with a customer when what was said in it is blanked."""
    talk_keep_days: int = Field(default=1100, ge=30, le=3650)
    """Days after which a conversation and its ratings are deleted."""
    call_blank_days: int = Field(default=90, ge=1, le=3650)
    """Days after which the calling number of a call to the hotline is blanked."""
    call_keep_days: int = Field(default=400, ge=1, le=3650)
    """Days after which the record of a call is deleted."""
    ivr_agi_port: int = Field(default=0, ge=0, le=65535)
    """TCP port at which an Asterisk asks what to say to callers (FastAGI, docs/hotline.md); 0: none."""
    ivr_agi_host: str = "127.0.0.1"
    """Address that port listens on. FastAGI knows no password: reachable by the Asterisk only."""
    ivr_agi_say: str = 'EXEC Espeak "{text}"'
    """The AGI command by which the Asterisk speaks, with `{text}` in quotation marks: `EXEC MRCPSynth "{text}"`."""
    upload_max_mb: int = Field(default=20, ge=1, le=1024)
    """Largest request body (photos, import files), MiB; larger ones are answered 413."""
    map_tiles_url: str = ""
    """Tile layer `https://…/{z}/{x}/{y}`; empty: schematic without tiles."""
    map_tiles_datum: str = Field(default="wgs84", pattern="^(wgs84|gcj02)$")
    """Datum of the tile layer."""
    map_tiles_attribution: str = ""
    """Source and review number (审图号) shown on the map."""
    waybill_prefix: str = Field(default="ZT", pattern="^[A-Z]{2,4}$")
    """Letters before every waybill number."""
    demo_speed: float = Field(default=1.0, ge=0.1, le=600)
    """How many times faster than the clock the demo fleet drives."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Least severe message that is logged."""
    debug: bool = False
    """Show tracebacks in the browser. Never on a reachable machine."""

    @property
    def address(self) -> str:
        """Where people reach this installation, without a slash at the end."""
        scheme = "https" if self.tls_certificate else "http"
        return (self.public_url or f"{scheme}://localhost:{self.http_port}").rstrip("/")

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator(*_SHAPES)
    @classmethod
    def _shaped(cls, text: str, info: ValidationInfo) -> str:
        check = _SHAPES[info.field_name or ""]
        return check(text) if text else text

    @field_validator("positions_keep_days")
    @classmethod
    def _not_before_the_archive(cls, days: int, info: ValidationInfo) -> int:
        online = info.data.get("positions_online_days", 0)
        if days < online:  # only what is archived is deleted
            raise ValueError(f"不能少于 ZAITU_POSITIONS_ONLINE_DAYS（{online} 天）")
        return days

    @field_validator("sms_provider")
    @classmethod
    def _with_its_keys(cls, provider: str, info: ValidationInfo) -> str:
        missing = [name for name in _SMS_NEEDS.get(provider, ()) if info.data.get(name) == ""]
        if missing:
            raise ValueError(f"还要设置 {'、'.join(f'ZAITU_{name.upper()}' for name in missing)}")
        return provider

    @field_validator("nats_replicas")
    @classmethod
    def _a_majority(cls, number: int) -> int:
        return values.odd(number)

    @field_validator(*_PEMS, mode="before")
    @classmethod
    def _none_when_empty(cls, path: object) -> object:
        return path or None

    @field_validator(*_PEMS)
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        return values.pem_file(path)

    @field_validator("jt808_tls_private_key", "tls_private_key")
    @classmethod
    def _of_the_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        certificate = (info.field_name or "").replace("private_key", "certificate")
        if certificate in info.data:  # otherwise it is wrong itself
            values.pem_pair(info.data[certificate], key)
        if key and info.field_name == "jt808_tls_private_key" and info.data.get("gateway_front") == "sweep":
            raise ValueError("终端用 TLS 时，ZAITU_GATEWAY_FRONT 要设为 uvloop")
        return key


def _secrets_from_files() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in SECRETS:
        variable = f"ZAITU_{name.upper()}_FILE"
        path = os.environ.get(variable)
        if path:
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise Invalid(f"读不了 {variable} 指的文件 {path}：{error.strerror}") from None
    return found


@cache
def env() -> Env:
    """The settings of this process, read once. Raises Invalid when a secret's file cannot be read."""
    return Env(**_secrets_from_files())
