"""What an SMPP server's command_status means. Pure: a code in, an Answer out."""

from typing import Final

from zaitu.notify.domain.delivery import Answer, Verdict

THROTTLED: Final = frozenset({0x14, 0x58})
CODE_MOST: Final = 32_767

_BIND: Final = {
    0x04: "短信网关不接受收发合一的登录方式",
    0x05: "短信网关说这个账号已经登录",
    0x0D: "短信网关拒绝登录",
    0x0E: "短信网关不接受密码",
    0x0F: "短信网关不接受账号",
    0x53: "短信网关不接受系统类型，请改 ZAITU_SMPP_URL 的 system_type",
}
STATUSES: Final = {
    # status: (name in the standard, verdict, words)
    0x01: ("ESME_RINVMSGLEN", Verdict.NEVER, "短信网关说消息长度错"),
    0x02: ("ESME_RINVCMDLEN", Verdict.PAUSE, "短信网关说命令长度错"),
    0x03: ("ESME_RINVCMDID", Verdict.PAUSE, "短信网关不认识命令"),
    0x04: ("ESME_RINVBNDSTS", Verdict.PAUSE, "短信网关说尚未登录"),
    0x05: ("ESME_RALYBND", Verdict.PAUSE, "短信网关说这个账号已经登录"),
    0x06: ("ESME_RINVPRTFLG", Verdict.PAUSE, "短信网关不接受优先级"),
    0x07: ("ESME_RINVREGDLVFLG", Verdict.PAUSE, "短信网关不支持送达回执"),
    0x08: ("ESME_RSYSERR", Verdict.RETRY, "短信网关系统错误"),
    0x0A: ("ESME_RINVSRCADR", Verdict.PAUSE, "短信网关不接受发送号码，请改 ZAITU_SMPP_URL 的 source"),
    0x0B: ("ESME_RINVDSTADR", Verdict.NEVER, "短信网关说接收号码不正确"),
    0x0C: ("ESME_RINVMSGID", Verdict.RETRY, "短信网关说消息编号不正确"),
    0x14: ("ESME_RMSGQFUL", Verdict.PAUSE, "短信网关的队列已满"),
    0x15: ("ESME_RINVSERTYP", Verdict.PAUSE, "短信网关不接受业务类型，请改 ZAITU_SMPP_URL 的 service"),
    0x43: ("ESME_RINVESMCLASS", Verdict.NEVER, "短信网关不接受长短信"),
    0x45: ("ESME_RSUBMITFAIL", Verdict.RETRY, "短信网关未能提交"),
    0x48: ("ESME_RINVSRCTON", Verdict.PAUSE, "短信网关不接受发送号码类型，请改 ZAITU_SMPP_URL 的 source_ton"),
    0x49: ("ESME_RINVSRCNPI", Verdict.PAUSE, "短信网关不接受发送号码方案，请改 ZAITU_SMPP_URL 的 source_npi"),
    0x50: ("ESME_RINVDSTTON", Verdict.PAUSE, "短信网关不接受接收号码类型"),
    0x51: ("ESME_RINVDSTNPI", Verdict.PAUSE, "短信网关不接受接收号码方案"),
    0x53: ("ESME_RINVSYSTYP", Verdict.PAUSE, "短信网关不接受系统类型，请改 ZAITU_SMPP_URL 的 system_type"),
    0x58: ("ESME_RTHROTTLED", Verdict.PAUSE, "短信网关要求放慢"),
    0x61: ("ESME_RINVSCHED", Verdict.PAUSE, "短信网关不接受定时"),
    0x62: ("ESME_RINVEXPIRY", Verdict.PAUSE, "短信网关不接受有效期"),
    0x64: ("ESME_RX_T_APPN", Verdict.RETRY, "短信网关暂不接收"),
    0x65: ("ESME_RX_P_APPN", Verdict.NEVER, "短信网关永久拒绝"),
    0x66: ("ESME_RX_R_APPN", Verdict.NEVER, "短信网关拒绝这条消息"),
    0xFF: ("ESME_RUNKNOWNERR", Verdict.RETRY, "短信网关未知错误"),
}


def refused(status: int) -> str:
    """Why the bind was refused; empty: it was not."""
    return "" if status == 0 else _BIND.get(status, f"短信网关拒绝登录：状态 {status:#04x}")


def answer(status: int) -> Answer:
    """A submit_sm_resp whose status is not zero. What is true for every message pauses the way; the rest of them is tried again."""
    name, verdict, note = STATUSES.get(status, (f"{status:#010x}", Verdict.RETRY, "短信网关暂不接收"))
    return Answer(
        verdict=verdict,
        note=f"{note}：{name}",
        code=min(status, CODE_MOST),
        reason=name,
        rests=verdict is Verdict.PAUSE,
    )
