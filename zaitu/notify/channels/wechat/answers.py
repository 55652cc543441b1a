"""What WeChat's answers mean. Pure: a reply's JSON or an exception in, an Answer out. Texts are never WeChat's alone: ours come first."""

import json
from dataclasses import dataclass
from typing import Any, Final

import httpx

from zaitu.notify.domain.delivery import Answer, Verdict

STALE_TOKEN: Final = frozenset({40001, 40014, 41001, 42001})
"""The token is wrong or too old: a new one is asked for once."""
REFUSED: Final = 43101
"""The person has not agreed to this template, or has taken it back."""
_SAID_MAX: Final = 160
_MINUTE_S, _HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class _Meaning:
    verdict: Verdict
    note: str
    gone: bool = False
    retry_after_s: int | None = None


_RETRY, _NEVER, _PAUSE = Verdict.RETRY, Verdict.NEVER, Verdict.PAUSE
_MEANINGS: Final[dict[int, _Meaning]] = {
    -1: _Meaning(_RETRY, "微信系统繁忙"),
    # This person, this template
    # Not `gone`: with another account's AppID in the settings everybody would be.
    40003: _Meaning(_NEVER, "openid 不属于这个账号"),
    43004: _Meaning(_NEVER, "对方没有关注公众号", gone=True),
    REFUSED: _Meaning(_NEVER, "对方没有订阅或已取消订阅"),
    43117: _Meaning(_RETRY, "对方收到的消息过于频繁"),
    40037: _Meaning(_NEVER, "模板编号不正确"),
    41030: _Meaning(_NEVER, "小程序页面路径不正确"),
    40165: _Meaning(_NEVER, "小程序页面路径不正确"),
    47001: _Meaning(_NEVER, "微信看不懂消息格式"),
    47003: _Meaning(_NEVER, "模板字段填写不符合要求"),
    # The account: nothing goes that way until somebody mends it
    40001: _Meaning(_PAUSE, "微信令牌无效或 AppSecret 不正确"),
    40014: _Meaning(_PAUSE, "微信令牌无效"),
    41001: _Meaning(_PAUSE, "微信令牌缺失"),
    42001: _Meaning(_PAUSE, "微信令牌过期"),
    40002: _Meaning(_PAUSE, "微信不接受取令牌的方式"),
    40013: _Meaning(_PAUSE, "AppID 不正确"),
    40125: _Meaning(_PAUSE, "AppSecret 不正确"),
    41002: _Meaning(_PAUSE, "缺少 AppID"),
    41004: _Meaning(_PAUSE, "缺少 AppSecret"),
    40164: _Meaning(_PAUSE, "服务器地址不在微信 IP 白名单"),
    48001: _Meaning(_PAUSE, "账号没有这个接口的权限"),
    48004: _Meaning(_PAUSE, "接口已被微信封禁"),
    50002: _Meaning(_PAUSE, "账号使用受限"),
    61007: _Meaning(_PAUSE, "第三方平台没有获得授权"),
    # Too much
    45009: _Meaning(_PAUSE, "今天的调用次数已用完", retry_after_s=_HOUR_S),
    45011: _Meaning(_PAUSE, "调用过于频繁", retry_after_s=_MINUTE_S),
}


def of_reply(status: int, body: bytes) -> tuple[Answer, int | None]:
    """(what it means, errcode; None: there was none, and whether the message was taken is not known)."""
    reply = _json(body)
    errcode = reply.get("errcode") if reply is not None else None
    if not isinstance(errcode, int) or isinstance(errcode, bool):
        note = f"微信回应 HTTP {status}，没有结果"
        if status in {429, 502, 503, 504}:
            return Answer(verdict=_PAUSE, code=status, rests=True, note=note), None
        return Answer(verdict=_RETRY, code=status, rests=status >= 500, note=note), None
    if errcode == 0:
        msgid = (reply or {}).get("msgid", "")
        return Answer(verdict=Verdict.TAKEN, code=status, note="微信已接收", ref=str(msgid or "")[:100]), 0
    return of_errcode(errcode, str((reply or {}).get("errmsg", "")), status=status), errcode


def of_errcode(errcode: int, errmsg: str, *, status: int = 200) -> Answer:
    meaning = _MEANINGS.get(errcode, _Meaning(_RETRY, "微信没有接收"))
    said = " ".join("".join(c if c.isprintable() else " " for c in errmsg).split())[:_SAID_MAX]
    return Answer(
        verdict=meaning.verdict,
        code=status,
        reason=str(errcode),
        note=f"{meaning.note}（{errcode}）" + (f"：{said}" if said else ""),
        rests=meaning.verdict is _PAUSE,
        retry_after_s=meaning.retry_after_s,
        gone=meaning.gone,
    )


def fault(error: httpx.HTTPError | OSError) -> str:
    """What went wrong, in words."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return "连接不上微信"
    return "微信没有及时回应" if isinstance(error, httpx.TimeoutException) else "与微信的连接中断"


def of_error(error: httpx.HTTPError | OSError) -> tuple[Answer, bool]:
    """(what it means, whether the message was surely not taken)."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Answer(verdict=_PAUSE, rests=True, note=fault(error)), True
    note = fault(error)
    # It may have arrived: before it is sent again, its receipt has time to come.
    return Answer(verdict=_RETRY, rests=True, retry_after_s=_MINUTE_S, note=f"{note}，可能已发出"), False


def token_of(status: int, body: bytes) -> tuple[str, int] | Answer:
    """(token, seconds that it lives), or why there is none."""
    reply = _json(body) or {}
    token, lives = reply.get("access_token"), reply.get("expires_in")
    if isinstance(token, str) and token and isinstance(lives, int) and lives > 0:
        return token, lives
    errcode = reply.get("errcode")
    if isinstance(errcode, int):
        answer = of_errcode(errcode, str(reply.get("errmsg", "")), status=status)
        # Without a token nothing leaves, whatever the reason: no message has lost a try.
        return Answer(
            verdict=_PAUSE,
            code=status,
            reason=answer.reason,
            note=f"取不到微信令牌，{answer.note}"[:300],
            rests=True,
            retry_after_s=answer.retry_after_s,
        )
    return Answer(verdict=_PAUSE, code=status, rests=True, note=f"取不到微信令牌，微信回应 HTTP {status}")


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
