"""What a receiver's reply means (Standard Webhooks 1.0). Pure: status and headers in, an Answer out."""

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpcore

from zaitu.notify.domain.delivery import Answer, Verdict

GONE: Final = 410
THROTTLED: Final = frozenset({429, 502, 504})
ANSWER_MAX: Final = 200
"""Characters kept of what the receiver said."""


def of_status(status: int, *, retry_after: str, said: str, now: datetime) -> Answer:
    """Only 2xx is success. Redirects are failures: a signed body is not sent to an address nobody registered."""
    said = " ".join(said.split())[:ANSWER_MAX]
    note = f"HTTP {status}" + (f"：{said}" if said else "")
    if 200 <= status < 300:
        return Answer(verdict=Verdict.TAKEN, code=status, note=f"HTTP {status}")
    if status == GONE:
        return Answer(verdict=Verdict.NEVER, code=status, gone=True, note="对方已停用此地址（HTTP 410）")
    wait_s = retry_after_s(retry_after, now=now)
    if status in THROTTLED:
        return Answer(verdict=Verdict.PAUSE, code=status, rests=True, retry_after_s=wait_s, note=note)
    return Answer(
        verdict=Verdict.RETRY, code=status, rests=wait_s is not None, retry_after_s=wait_s, note=note
    )


def of_error(error: Exception) -> Answer:
    """No reply: not found, not reached, hung up, too slow. The way rests too, so that a dead one takes little time."""
    if isinstance(error, httpcore.TimeoutException):
        note = "对方没有及时响应"
    elif isinstance(error, httpcore.ConnectError):
        cause = error.__cause__ or error.__context__
        note = "对方证书无效" if isinstance(cause, ssl.SSLError) else "连接不上对方"
    elif isinstance(error, httpcore.ProtocolError | httpcore.NetworkError):
        note = "对方中断了连接"
    else:
        note = "找不到对方主机"
    return Answer(verdict=Verdict.RETRY, rests=True, note=note)


def retry_after_s(header: str, *, now: datetime) -> int | None:
    """Retry-After as seconds from now; None when it is absent or makes no sense."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        return int(header[:9])
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0, int((at - now).total_seconds()))
