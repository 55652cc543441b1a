"""Connections to the mail server. Between mails they are kept: connecting, TLS and sign-in cost more than a mail."""

import smtplib
import ssl
import threading
import time
from contextlib import suppress
from functools import cache
from typing import Final
from urllib.parse import SplitResult, unquote

TIMEOUT_S: Final = 15
IDLE_S: Final = 10.0
"""How long a line is kept without a mail. Servers hang up after some minutes (RFC 5321: five); others want the place."""
_GOODBYE_S: Final = 1
_SUBMISSION: Final = 587
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Lines:
    """Idle lines, the one used last first, so that in quiet times the others run out. For several threads."""

    def __init__(self) -> None:
        self._idle: list[tuple[float, smtplib.SMTP]] = []
        self._lock = threading.Lock()

    def begun(self, sender: str, size: int) -> smtplib.SMTP | None:
        """A kept line on which the server has taken this sender of a mail of `size` bytes; None: there is no such.

        A server that has hung up, or wants no more mails on one line, shows it here, before any message was offered.
        """
        while (server := self._take()) is not None:
            try:
                begin(server, sender, size)
            except (smtplib.SMTPException, OSError):
                server.close()
            else:
                return server
        return None

    def keep(self, server: smtplib.SMTP) -> None:
        with self._lock:
            self._idle.append((time.monotonic(), server))

    def hang_up(self, *, idle_s: float = 0.0) -> None:
        """Close those that have been idle for so long."""
        since = time.monotonic() - idle_s
        with self._lock:
            old = [server for kept, server in self._idle if kept <= since]
            self._idle = [(kept, server) for kept, server in self._idle if kept > since]
        for server in old:
            farewell(server)

    def _take(self) -> smtplib.SMTP | None:
        with self._lock:
            return self._idle.pop()[1] if self._idle else None


def connected(url: SplitResult) -> smtplib.SMTP:
    """A signed-in connection, encrypted whenever the server can; a password never crosses a network in the clear."""
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_S, context=_tls())
    else:
        server = smtplib.SMTP(host, url.port or _SUBMISSION, timeout=TIMEOUT_S)
    try:
        server.ehlo_or_helo_if_needed()
        if url.scheme != "smtps" and host not in _LOOPBACK:
            must = bool(url.username) or url.port in (None, _SUBMISSION)
            if must or server.has_extn("starttls"):
                server.starttls(context=_tls())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.ehlo_or_helo_if_needed()  # once more: STARTTLS makes the server's abilities forgotten
    except BaseException:
        server.close()
        raise
    return server


def begin(server: smtplib.SMTP, sender: str, size: int) -> None:
    """Say from whom a mail of `size` bytes comes. Raises as smtplib does; nothing has been offered then."""
    code, said = server.mail(sender, [f"size={size}"] if server.has_extn("size") else [])
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, said, sender)


def finish(server: smtplib.SMTP, receiver: str, body: bytes) -> None:
    """Say to whom, and hand the mail over; the server has taken it when this returns. Raises as smtplib does."""
    code, said = server.rcpt(receiver)
    if code not in {250, 251}:
        raise smtplib.SMTPRecipientsRefused({receiver: (code, said)})
    code, said = server.data(body)
    if code != 250:
        raise smtplib.SMTPDataError(code, said)


def farewell(server: smtplib.SMTP) -> None:
    """QUIT, which may fail when the server has hung up; the fate of every message is known by then."""
    with suppress(smtplib.SMTPException, OSError):
        if server.sock is not None:
            server.sock.settimeout(_GOODBYE_S)
        server.quit()
    server.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
