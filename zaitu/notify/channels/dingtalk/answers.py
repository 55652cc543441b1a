"""What DingTalk's codes mean. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from zaitu.notify.channels.dingtalk.limits import BLOCKED_S
from zaitu.notify.channels.robots import Meaning, answer_of
from zaitu.notify.domain.delivery import Answer, Verdict

_MEANINGS: Final = {
    -1: Meaning(Verdict.RETRY, "钉钉系统繁忙"),
    130101: Meaning(Verdict.PAUSE, "钉钉机器人发送过于频繁", wait_s=BLOCKED_S),
    410100: Meaning(Verdict.PAUSE, "钉钉机器人发送过于频繁", wait_s=BLOCKED_S),
    310000: Meaning(Verdict.PAUSE, "钉钉机器人的安全设置（关键词、加签或 IP）不让通过", wait_s=300),
    300005: Meaning(Verdict.NEVER, "钉钉机器人不存在", gone=True),
    400013: Meaning(Verdict.NEVER, "钉钉群已解散", gone=True),
    400101: Meaning(Verdict.NEVER, "钉钉机器人地址无效", gone=True),
    400102: Meaning(Verdict.NEVER, "钉钉机器人已停用", gone=True),
    400106: Meaning(Verdict.NEVER, "钉钉机器人不存在", gone=True),
    40035: Meaning(Verdict.NEVER, "钉钉看不懂消息格式"),
    43004: Meaning(Verdict.NEVER, "钉钉看不懂消息格式"),
    400105: Meaning(Verdict.NEVER, "钉钉不接受这种消息"),
    430101: Meaning(Verdict.NEVER, "钉钉认为消息里有不安全的链接"),
    430102: Meaning(Verdict.NEVER, "钉钉认为消息里有不合适的文字"),
    430103: Meaning(Verdict.NEVER, "钉钉认为消息里有不合适的图片"),
    430104: Meaning(Verdict.NEVER, "钉钉认为消息里有不合适的内容"),
}


def of_reply(status: int, reply: Mapping[str, Any]) -> Answer:
    code = reply.get("errcode")
    if code == 0:
        return Answer(verdict=Verdict.TAKEN, code=status, note="钉钉已接收")
    if not isinstance(code, int):
        return Answer(verdict=Verdict.RETRY, code=status, note=f"钉钉回应 HTTP {status}，没有结果")
    meaning = _MEANINGS.get(code, Meaning(Verdict.RETRY, "钉钉没有接收"))
    return answer_of(meaning, code=code, said=str(reply.get("errmsg", "")), status=status)
