"""What a mail server's reply means. Pure: an exception in, an Answer out."""

import smtplib
import ssl
from typing import Final

from zaitu.notify.domain.delivery import Answer, Verdict

NOTE_MAX: Final = 200
_CLOSING: Final = 421


def before_mail(error: Exception) -> Answer:
    """It failed before any message was offered (connect, TLS, sign-in): ours to mend, and true for every message."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _pause("发信服务器不接受账号或密码", error.smtp_code)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _pause("发信服务器不支持所需的加密或登录方式", 0)
    if isinstance(error, ssl.SSLError):
        return _pause("发信服务器的证书无效", 0)
    if isinstance(error, smtplib.SMTPResponseException):
        return _pause(f"发信服务器拒绝连接：{_said(error.smtp_code, error.smtp_error)}", error.smtp_code)
    if isinstance(error, TimeoutError):
        return _pause("发信服务器没有响应", 0)
    return _pause("连接不上发信服务器", 0)


def during_mail(error: Exception) -> Answer:
    """It failed while this message was offered."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _by_code(code, said, never="收件地址被拒收")
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code >= 500:
        return _pause(f"发件地址被拒绝：{_said(error.smtp_code, error.smtp_error)}", error.smtp_code)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(error.smtp_code, error.smtp_error, never="邮件被拒收")
    if isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError):
        return Answer(verdict=Verdict.NEVER, note="发信服务器不支持这个收件地址")
    return Answer(verdict=Verdict.RETRY, note="发送途中连接中断")


def _by_code(code: int, said: bytes | str, *, never: str) -> Answer:
    if code == _CLOSING:
        return _pause(f"发信服务器暂停服务：{_said(code, said)}", code)
    if 400 <= code < 500:
        return Answer(verdict=Verdict.RETRY, code=code, note=f"对方暂不接收：{_said(code, said)}")
    return Answer(verdict=Verdict.NEVER, code=code, note=f"{never}：{_said(code, said)}")


def _pause(note: str, code: int) -> Answer:
    return Answer(verdict=Verdict.PAUSE, rests=True, code=max(code, 0), note=note)


def _said(code: int, text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    # U+0000 cannot be stored, and what cannot be recorded would be sent again.
    plain = "".join(c if c.isprintable() else " " for c in plain)
    return f"{code} {' '.join(plain.split())}"[:NOTE_MAX]
