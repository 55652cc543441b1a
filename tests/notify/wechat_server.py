"""WeChat's interface as documented: tokens that die, followers, agreements, templates with fields, pushed events."""

import json
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.notify.contract_server import Asked, ContractServer
from zaitu.notify.channels.wechat.callbacks import Secrets, encrypted, signature

TOKEN = "/cgi-bin/stable_token"
TEMPLATE = "/cgi-bin/message/template/send"
BIZSEND = "/cgi-bin/message/subscribe/bizsend"
SUBSCRIBE = "/cgi-bin/message/subscribe/send"

FIELDS = {
    "thing": lambda v: len(v) <= 20,
    "number": lambda v: bool(re.fullmatch(r"[0-9]{1,32}(\.[0-9]+)?", v)),
    "letter": lambda v: bool(re.fullmatch("[A-Za-z]{1,32}", v)),
    "symbol": lambda v: bool(re.fullmatch(r"[^\w\s]{1,5}", v)),
    "character_string": lambda v: bool(re.fullmatch("[!-~]{1,32}", v)),
    "phrase": lambda v: bool(re.fullmatch(r"[\u4e00-\u9fff]{1,5}", v)),
    "time": lambda v: all(
        re.fullmatch(r"([0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日 )?[0-9]{1,2}:[0-9]{2}", part)
        for part in v.split("~")
    ),
    "date": lambda v: all(
        re.fullmatch(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日( [0-9]{1,2}:[0-9]{2})?", part)
        for part in v.split("~")
    ),
}


@dataclass
class WechatServer(ContractServer):
    """`odd` answers by path; everything else as WeChat would."""

    appid: str = "wx2c2769f8efd9abc2"
    secret: str = "right-secret"
    token_lives_s: int = 7200
    callback: Secrets = field(
        default_factory=lambda: Secrets(
            token="spamtest",
            aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
            appid="wx2c2769f8efd9abc2",
        )
    )
    names_messages: bool = True
    """Whether subscription messages get a msgid, as they mostly do."""

    def __post_init__(self) -> None:
        super().__init__()
        self.token = ""
        self.tokens: dict[str, float] = {}
        """Living ones, and until when."""
        self.forced: list[float] = []
        self.people: set[str] = set()
        self.followers: set[str] = set()
        self.agreed: Counter[tuple[str, str]] = Counter()
        self.templates: dict[str, tuple[str, ...]] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        """(msgid, body) of what has gone to people's phones."""
        self._client_ids: dict[tuple[str, str], str] = {}
        self._msgid = 1_700_827_132_819_554_304

    def kill_token(self) -> None:
        """Somebody else has asked for a token, or it is over."""
        self.tokens.clear()
        self.token = ""

    def reply(self, asked: Asked) -> dict[str, Any]:
        if asked.path == TOKEN:
            return self._stable_token(asked)
        token = asked.query.get("access_token", "")
        try:
            body = json.loads(asked.body)
        except ValueError:
            body = None
        refusals = [
            (asked.path not in {TEMPLATE, BIZSEND, SUBSCRIBE}, 40066, "invalid url"),
            (not token, 41001, "access_token missing"),
            (token not in self.tokens, 40001, "invalid credential, access_token is invalid or not latest"),
            (time.time() > self.tokens.get(token, 0), 42001, "access_token expired"),
            (body is None, 47001, "data format error"),
        ]
        return _first(refusals) or self._message(asked.path, body)

    def _stable_token(self, asked: Asked) -> dict[str, Any]:
        if not asked.headers.get("content-type", "").startswith("application/json"):
            return _error(47001, "data format error")
        given = asked.json()
        if given.get("grant_type") != "client_credential":
            return _error(40002, "invalid grant_type")
        if given.get("appid") != self.appid:
            return _error(40013, "invalid appid")
        if given.get("secret") != self.secret:
            return _error(40125, "invalid appsecret")
        now = time.time()
        left = self.tokens.get(self.token, 0) - now
        if given.get("force_refresh"):
            if self.forced and now - self.forced[-1] < 30:
                return _error(45009, "reach max api daily quota limit")
            self.forced.append(now)
            self.tokens.clear()
            left = 0
        if left <= 300:  # the old one lives on
            self.token = f"{len(self.asked)}_{secrets.token_urlsafe(400)}"
            self.tokens[self.token] = now + self.token_lives_s
        return {"access_token": self.token, "expires_in": int(self.tokens[self.token] - now)}

    def _message(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        openid, template, page = (
            body.get("touser", ""),
            body.get("template_id", ""),
            str(body.get("page", "")),
        )
        wrong = self._wrong_field(template, body.get("data", {}))
        state = body.get("miniprogram_state")
        refusals = [
            (openid not in self.people, 40003, "invalid openid"),
            (template not in self.templates, 40037, "invalid template_id"),
            (path == TEMPLATE and openid not in self.followers, 43004, "require subscribe"),
            (page.startswith("/") or len(page) > 1024, 41030, "invalid page"),
            (path == SUBSCRIBE and state not in {"developer", "trial", "formal"}, 47001, "data format error"),
            (wrong, 47003, f"argument invalid! data.{wrong}.value invalid"),
        ]
        return _first(refusals) or self._delivered(path, body, openid, template)

    def _delivered(self, path: str, body: dict[str, Any], openid: str, template: str) -> dict[str, Any]:
        client_id = body.get("client_msg_id", "")
        if client_id and (openid, client_id) in self._client_ids:
            return {"errcode": 0, "errmsg": "ok", "msgid": int(self._client_ids[openid, client_id])}
        if path != TEMPLATE:
            if self.agreed[openid, template] < 1:
                return _error(43101, "user refuse to accept the msg")
            self.agreed[openid, template] -= 1
        self._msgid += 1
        self._client_ids[openid, client_id or str(self._msgid)] = str(self._msgid)
        self.sent.append((str(self._msgid), body))
        named = {"msgid": self._msgid} if path == TEMPLATE or self.names_messages else {}
        return {"errcode": 0, "errmsg": "ok"} | named

    def _wrong_field(self, template: str, data: dict[str, Any]) -> str:
        for name in self.templates.get(template, ()):
            value = data.get(name, {}).get("value", "")
            if not value or not FIELDS[name.rstrip("0123456789")](value):
                return name
        return ""


def _error(code: int, said: str) -> dict[str, Any]:
    return {"errcode": code, "errmsg": f"{said} rid: 5f9a-1"}


def _first(refusals: list[tuple[Any, int, str]]) -> dict[str, Any]:
    """The first that holds; empty: none."""
    return next((_error(code, said) for holds, code, said in refusals if holds), {})


# What it pushes


def event_xml(openid: str, event: str, inside: str = "", *, at: float | None = None) -> str:
    return (
        f"<xml><ToUserName><![CDATA[gh_123]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(at or time.time())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{event}]]></Event>{inside}</xml>"
    )


def event_json(openid: str, event: str, entries: Any, *, at: float | None = None) -> str:
    return json.dumps(
        {
            "ToUserName": "gh_123",
            "FromUserName": openid,
            "CreateTime": int(at or time.time()),
            "MsgType": "event",
            "Event": event,
            "List": entries,
        }
    )


def pushed(
    message: str, given: Secrets, *, at: float | None = None, nonce: str = "", shape: str = "xml"
) -> tuple[dict[str, str], bytes]:
    """(query, body) as WeChat sends a message: encrypted where there is a key."""
    timestamp, nonce = str(int(at or time.time())), nonce or secrets.token_hex(5)
    query = {"timestamp": timestamp, "nonce": nonce, "signature": signature(given.token, timestamp, nonce)}
    if not given.aes_key:
        return query, message.encode()
    sealed = encrypted(message.encode(), given, random=secrets.token_bytes(16))
    query |= {
        "encrypt_type": "aes",
        "msg_signature": signature(given.token, timestamp, nonce, sealed),
    }
    if shape == "json":
        return query, json.dumps({"ToUserName": "gh_123", "Encrypt": sealed}).encode()
    body = f"<xml><ToUserName><![CDATA[gh_123]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return query, body.encode()
