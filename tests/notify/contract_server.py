"""An HTTP server on loopback that stands where a provider's interface is, over real sockets and kept connections."""

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Odd:
    """One answer that is not the contract's."""

    status: int = 200
    body: bytes = b""
    delay_s: float = 0.0
    drop: bool = False
    """Hang up without an answer."""
    taken: bool = False
    """The request works all the same."""
    said: dict[str, Any] | None = None
    """JSON instead of `body`."""


class ContractServer(ABC):
    """Subclasses answer in `reply`; `odd` holds what the next requests to a path are answered instead."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.odd: dict[str, list[Odd]] = {}
        self.lock = threading.RLock()
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_POST(self) -> None:
                outer._answer(self)

            do_GET = do_POST  # noqa: N815  http.server's names

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @abstractmethod
    def reply(self, asked: Asked) -> dict[str, Any] | Odd: ...

    def to(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = Asked(
            path=parts.path,
            query={name: values[0] for name, values in parse_qs(parts.query).items()},
            headers={name.lower(): value for name, value in handler.headers.items()},
            body=handler.rfile.read(int(handler.headers.get("content-length", 0))),
        )
        with self.lock:
            self.asked.append(asked)
            waiting = self.odd.get(asked.path)
            odd = waiting.pop(0) if waiting else None
            found = self.reply(asked) if odd is None or odd.taken else odd
        if isinstance(found, Odd):
            odd = found
        answer = odd or Odd(said=found)
        if odd is not None and odd.taken and odd.said is None and not odd.body:
            answer = Odd(
                said=found if isinstance(found, dict) else found.said, delay_s=odd.delay_s, drop=odd.drop
            )
        time.sleep(answer.delay_s)
        if answer.drop:
            handler.close_connection = True
            return
        body = json.dumps(answer.said).encode() if answer.said is not None else answer.body
        try:
            handler.send_response(answer.status)
            handler.send_header("content-type", "application/json; encoding=utf-8")
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            return


@contextmanager
def running(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
