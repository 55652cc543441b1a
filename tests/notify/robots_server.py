"""Robots of WeCom, DingTalk and Feishu as documented: addresses, signatures, rates, sizes."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from tests.notify.contract_server import Asked, ContractServer

WECOM, DINGTALK = "/cgi-bin/webhook/send", "/robot/send"
FEISHU = "/open-apis/bot/v2/hook/feishu-token-1"
KEYS = {"wecom": "wecom-key-1", "dingtalk": "dingtalk-token-1", "feishu": "feishu-token-1"}
SECRET = "SECd3a1f"
ADDRESSES = {
    "wecom": f"https://qyapi.weixin.qq.com{WECOM}?key={KEYS['wecom']}",
    "dingtalk": f"https://oapi.dingtalk.com{DINGTALK}?access_token={KEYS['dingtalk']}",
    "feishu": f"https://open.feishu.cn{FEISHU}",
}


@dataclass
class RobotsServer(ContractServer):
    def __post_init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []
        """(provider, text) in the groups."""
        self.times: dict[str, list[float]] = {"wecom": [], "dingtalk": [], "feishu": []}
        self.dingtalk_blocked_until = 0.0
        self.signed = True

    def reply(self, asked: Asked) -> dict[str, Any]:
        given = json.loads(asked.body)
        if asked.path == WECOM:
            return self._wecom(asked, given)
        if asked.path == DINGTALK:
            return self._dingtalk(asked, given)
        return self._feishu(asked, given)

    def _wecom(self, asked: Asked, given: dict[str, Any]) -> dict[str, Any]:
        if asked.query.get("key") != KEYS["wecom"]:
            return {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1]"}
        if self._too_many("wecom", 20, 60):
            return {"errcode": 45009, "errmsg": "api freq out of limit"}
        text = given["markdown"]["content"] if given["msgtype"] == "markdown" else given["text"]["content"]
        if not text:
            return {"errcode": 44004, "errmsg": "empty content"}
        if len(text.encode()) > (4096 if given["msgtype"] == "markdown" else 2048):
            return {"errcode": 40058, "errmsg": "markdown.content exceed max length 4096"}
        return self._taken("wecom", text, {"errcode": 0, "errmsg": "ok"})

    def _dingtalk(self, asked: Asked, given: dict[str, Any]) -> dict[str, Any]:
        if asked.query.get("access_token") != KEYS["dingtalk"]:
            return {"errcode": 300005, "errmsg": "token is not exist"}
        if self.signed:
            stamp = asked.query.get("timestamp", "0")
            wanted = base64.b64encode(
                hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
            ).decode()
            if abs(time.time() * 1000 - int(stamp)) > 3_600_000 or asked.query.get("sign") != wanted:
                return {"errcode": 310000, "errmsg": "sign not match"}
        if time.time() < self.dingtalk_blocked_until or self._too_many("dingtalk", 20, 60):
            self.dingtalk_blocked_until = time.time() + 600
            return {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        if given.get("msgtype") != "markdown" or not given["markdown"].get("title"):
            return {"errcode": 40035, "errmsg": "缺少参数 title"}
        return self._taken("dingtalk", given["markdown"]["text"], {"errcode": 0, "errmsg": "ok"})

    def _feishu(self, asked: Asked, given: dict[str, Any]) -> dict[str, Any]:
        if asked.path != FEISHU:
            return {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}
        if self.signed:
            stamp = given.get("timestamp", "0")
            wanted = base64.b64encode(
                hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
            ).decode()
            if abs(time.time() - int(stamp)) > 3600 or given.get("sign") != wanted:
                return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}
        if self._too_many("feishu", 5, 1) or self._too_many("feishu", 100, 60):
            return {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]"}
        if len(asked.body) > 20_000:
            return {"code": 9499, "msg": "Bad Request"}
        if given.get("msg_type") != "post":
            return {"code": 19002, "msg": "params error, msg_type need"}
        post = given["content"]["post"]["zh_cn"]
        said = "\n".join(
            [post["title"], *(part.get("text", "") for line in post["content"] for part in line)]
        )
        return self._taken("feishu", said, {"code": 0, "msg": "success", "data": {}})

    def _too_many(self, provider: str, most: int, within_s: float) -> bool:
        return sum(time.time() - at < within_s for at in self.times[provider]) >= most

    def _taken(self, provider: str, text: str, answer: dict[str, Any]) -> dict[str, Any]:
        self.times[provider].append(time.time())
        self.said.append((provider, text))
        return answer
