"""The other sides, real: a mail server and an HTTP server on loopback that can be told how to behave."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    delay_s: float = 0.0
    drop: bool = False
    """Hang up without an answer."""
    drip_s: float = 0.0
    """Send the header one byte at a time with this pause."""
    before: Callable[[], None] | None = None
    """Runs when the request has been read whole."""


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: str
    at: float


class HttpReceiver:
    """Answers the n-th request with the n-th of `replies`, the last one for ever."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.replies: list[Reply] = [Reply()]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._answer(self)

            do_GET = do_POST  # noqa: N815  http.server's names

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0))).decode()
        headers = {key.lower(): value for key, value in handler.headers.items()}
        reply = self.replies[min(len(self.got), len(self.replies) - 1)]
        self.got.append(Got(path=handler.path, headers=headers, body=body, at=time.monotonic()))
        if reply.before:
            reply.before()
        time.sleep(reply.delay_s)
        handler.close_connection = True
        if reply.drop:
            return
        try:
            if reply.drip_s:
                for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 5000:
                    handler.wfile.write(bytes([byte]))
                    time.sleep(reply.drip_s)
            handler.send_response(reply.status)
            for key, value in reply.headers.items():
                handler.send_header(key, value)
            handler.send_header("content-length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:
            return


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver()
    thread = threading.Thread(
        target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


class _Session(SMTP):
    """Counts itself; hangs up after `idle_s` without a word, as servers do."""

    def connection_made(self, transport: Any) -> None:
        self.event_handler.lines.append(transport)
        super().connection_made(transport)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Session(self.handler, timeout=self.handler.idle_s, **self.SMTP_kwargs)


class MailServer:
    """Takes mail, unless `mail`, `rcpt` or `data` say otherwise (an SMTP reply line each; None: take it)."""

    def __init__(self, idle_s: float = 300) -> None:
        self.idle_s = idle_s
        self.lines: list[Any] = []
        """Transport of every connection so far."""
        self.mails: list[EmailMessage] = []
        self.mail: Callable[[], str | None] = lambda: None
        self.rcpt: Callable[[str], str | None] = lambda _address: None
        self.data: Callable[[], str | None] = lambda: None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.controller = _Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def open_lines(self) -> int:
        return sum(not line.is_closing() for line in self.lines)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_MAIL(  # noqa: N802  aiosmtpd's names
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        refusal = self.mail()
        if refusal:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  aiosmtpd's names
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        refusal = self.rcpt(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's names
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return self.data() or "250 taken"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.controller.start()
    server.lines.clear()  # the controller has called itself
    yield server
    server.controller.stop()
