"""What the contract servers of SMS providers have in common: a real HTTP server that answers, is late, hangs up, and remembers."""

import json
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Say:
    """How the next well-formed request is answered."""

    code: str = ""
    """The provider's code; empty: it is taken."""
    message: str = ""
    delay_s: float = 0.0
    hang_up: bool = False
    """Take the message, and hang up without an answer."""
    status: int = 0
    """With `body`: what a proxy in between would answer."""
    body: bytes = b""
    before: Callable[["Taken"], None] | None = None
    """Runs when the message is taken and before it is answered."""


@dataclass
class Taken:
    ref: str
    """The provider's name of it."""
    ours: str
    """OutId, SessionContext."""
    number: str
    template: str
    values: Any
    sign: str
    at: float = field(default_factory=time.monotonic)


@dataclass
class Asked:
    target: str
    headers: Mapping[str, str]
    body: bytes


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    @abstractmethod
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; everything else is a fault of the test."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class SmsServer(ABC):
    """Subclasses check what came (`refusal`), and say it in their provider's words."""

    templates: Mapping[str, Any]
    signs = frozenset({"顺驰物流"})

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.refused: list[str] = []
        """Codes by which requests were refused that do not keep to the contract."""
        self.plan: list[Say] = []
        """One for each request that does, in turn; afterwards everything is taken."""
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._handle(self)

            def log_message(self, *_: Any) -> None: ...

        self.http = _Http(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        asked = Asked(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body)
        code = self.refusal(asked)
        if code:
            self.refused.append(code)
            self._answer(handler, *self.error(code, f"{code} was broken"))
            return
        with self._lock:
            say = self.plan.pop(0) if self.plan else Say()
        if say.status:
            self._answer(handler, say.status, say.body)
        elif say.code:
            time.sleep(say.delay_s)
            self._answer(handler, *self.error(say.code, say.message))
        else:
            self._take(handler, asked, say)

    def _take(self, handler: BaseHTTPRequestHandler, asked: Asked, say: Say) -> None:
        with self._lock:
            one = self.read(asked, f"{len(self.taken) + 1:04d}")
            self.taken.append(one)
        if say.before:
            say.before(one)
        time.sleep(say.delay_s)
        if say.hang_up:
            handler.close_connection = True
            return
        self._answer(handler, 200, json.dumps(self.success(one)).encode())

    def _answer(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        try:
            handler.send_response(status)
            handler.send_header("content-type", "application/json")
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True

    @abstractmethod
    def refusal(self, asked: Asked) -> str:
        """The provider's code of the first rule that a request breaks; empty when it breaks none."""

    @abstractmethod
    def error(self, code: str, message: str) -> tuple[int, bytes]: ...

    @abstractmethod
    def read(self, asked: Asked, number: str) -> Taken: ...

    @abstractmethod
    def success(self, taken: Taken) -> Any: ...


@contextmanager
def running(server: SmsServer) -> Iterator[SmsServer]:
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
