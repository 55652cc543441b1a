"""What a CMPP gateway's answers mean. Pure: a code in, an Answer out."""

from typing import Final

from zaitu.notify.domain.delivery import Answer, Verdict

CODE_MOST: Final = 32_767
THROTTLED: Final = frozenset({8})

_STATUS: Final = {
    1: "网关说消息结构错",
    2: "网关不接受本机的 IP 地址",
    3: "网关不接受账号或密码",
    4: "网关不支持所设的协议版本，请改 ZAITU_CMPP_URL 的 version",
}
_RESULTS: Final = {
    1: (Verdict.PAUSE, "网关说消息结构错"),
    2: (Verdict.PAUSE, "网关说命令字错"),
    3: (Verdict.RETRY, "网关说消息序号重复"),
    4: (Verdict.NEVER, "网关说消息长度错"),
    5: (Verdict.PAUSE, "网关不接受资费代码，请改 ZAITU_CMPP_URL 的 fee_code"),
    6: (Verdict.NEVER, "短信超过网关允许的长度"),
    7: (Verdict.PAUSE, "网关不接受业务代码，请改 ZAITU_CMPP_URL 的 service"),
    8: (Verdict.PAUSE, "网关要求放慢"),
    9: (Verdict.NEVER, "网关不服务这个号码"),
    10: (Verdict.PAUSE, "网关不接受接入号，请改 ZAITU_CMPP_URL 的 source"),
    11: (Verdict.PAUSE, "网关不接受企业代码，请改 ZAITU_CMPP_URL 的 enterprise"),
    12: (Verdict.PAUSE, "网关不接受计费号码"),
    13: (Verdict.NEVER, "网关说接收号码不正确"),
}


def refused(status: int) -> str:
    """Why CONNECT was refused; empty: it was not."""
    return "" if status == 0 else _STATUS.get(status, f"网关拒绝连接：状态 {status}")


def answer(result: int) -> Answer:
    """A SUBMIT_RESP whose result is not zero. What is true for every message pauses the way; what time may mend is tried again."""
    verdict, note = _RESULTS.get(result, (Verdict.RETRY, f"网关暂不接收：结果 {result}"))
    return Answer(
        verdict=verdict,
        note=note,
        code=min(result, CODE_MOST),
        reason=str(result),
        rests=verdict is Verdict.PAUSE,
    )
