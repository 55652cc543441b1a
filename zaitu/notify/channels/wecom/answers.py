"""What WeCom's codes mean. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from zaitu.notify.channels.robots import Meaning, answer_of
from zaitu.notify.domain.delivery import Answer, Verdict

_MEANINGS: Final = {
    -1: Meaning(Verdict.RETRY, "企业微信系统繁忙"),
    45009: Meaning(Verdict.PAUSE, "企业微信机器人发送过于频繁", wait_s=60),
    45033: Meaning(Verdict.PAUSE, "企业微信并发过高", wait_s=5),
    93000: Meaning(Verdict.NEVER, "企业微信机器人地址无效或已被移除", gone=True),
    93008: Meaning(Verdict.NEVER, "企业微信机器人已不在群里", gone=True),
    40008: Meaning(Verdict.NEVER, "企业微信不接受这种消息"),
    40058: Meaning(Verdict.NEVER, "企业微信不接受消息的内容"),
    44004: Meaning(Verdict.NEVER, "消息没有内容"),
}


def of_reply(status: int, reply: Mapping[str, Any]) -> Answer:
    code = reply.get("errcode")
    if code == 0:
        return Answer(verdict=Verdict.TAKEN, code=status, note="企业微信已接收")
    if not isinstance(code, int):
        return Answer(verdict=Verdict.RETRY, code=status, note=f"企业微信回应 HTTP {status}，没有结果")
    meaning = _MEANINGS.get(code, Meaning(Verdict.RETRY, "企业微信没有接收"))
    return answer_of(meaning, code=code, said=str(reply.get("errmsg", "")), status=status)
