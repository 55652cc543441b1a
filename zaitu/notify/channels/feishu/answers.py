"""What Feishu's codes mean. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from zaitu.notify.channels.robots import Meaning, answer_of
from zaitu.notify.domain.delivery import Answer, Verdict

_MEANINGS: Final = {
    11232: Meaning(Verdict.PAUSE, "飞书机器人发送过于频繁", wait_s=60),
    9499: Meaning(Verdict.NEVER, "飞书看不懂消息格式"),
    19001: Meaning(Verdict.NEVER, "飞书机器人地址无效或已被移除", gone=True),
    19002: Meaning(Verdict.NEVER, "飞书不接受这种消息"),
    19021: Meaning(Verdict.PAUSE, "飞书机器人的签名不对，或服务器时钟不准", wait_s=300),
    19022: Meaning(Verdict.PAUSE, "服务器地址不在飞书机器人的 IP 白名单", wait_s=300),
    19024: Meaning(Verdict.PAUSE, "消息里没有飞书机器人要求的关键词", wait_s=300),
}


def of_reply(status: int, reply: Mapping[str, Any]) -> Answer:
    """Older robots say `StatusCode` instead of `code`."""
    code = reply.get("code", reply.get("StatusCode"))
    if code == 0:
        return Answer(verdict=Verdict.TAKEN, code=status, note="飞书已接收")
    if not isinstance(code, int):
        return Answer(verdict=Verdict.RETRY, code=status, note=f"飞书回应 HTTP {status}，没有结果")
    meaning = _MEANINGS.get(code, Meaning(Verdict.RETRY, "飞书没有接收"))
    said = str(reply.get("msg", reply.get("StatusMessage", "")))
    return answer_of(meaning, code=code, said=said, status=status)
