"""Answers that are ready are written at once, without a task and an ASGI conversation for each."""

from collections.abc import Callable
from typing import Final, Self

from zaitu.config.limits import LimitedHttp

Ready = Callable[[bytes], bytes | None]
"""Address as it was asked → an answer of status 200 from its first header (without date) to the end of its body; or None.

Called in the event loop for every request, so it must be one look-up; what it gives must be the same for everybody.
"""

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_MATTERS: Final = frozenset(
    (
        b"authorization",
        b"if-none-match",
        b"range",
        b"expect",
        b"content-length",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Headers with which the answer could be another, or a body may follow: then the application is asked."""


def nothing_ready(_url: bytes) -> None:
    return None


class ReadyHttp(LimitedHttp):
    """The application has said beforehand what it would answer; half of what a warm answer costs is uvicorn's ASGI cycle.

    Only a plain GET on an idle HTTP/1.1 connection is answered so; all else goes to the application as ever.
    """

    ready: Ready = staticmethod(nothing_ready)
    _answered = False

    @classmethod
    def asking(cls, ready: Ready) -> type[Self]:
        """This protocol with its source of ready answers."""
        return type(cls.__name__, (cls,), {"ready": staticmethod(ready)})

    def on_headers_complete(self) -> None:
        answer = self.ready(self.url)
        self._answered = answer is not None and self._plain()
        if answer is None or not self._answered:
            super().on_headers_complete()
            return
        self._head_done()
        date = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join((_OK, *date, answer)))
        self.on_response_complete()

    def on_message_complete(self) -> None:
        if not self._answered:
            super().on_message_complete()

    def _plain(self) -> bool:
        """Whether nothing but the address decides about the answer, and it is this request's turn."""
        return (
            self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and all(name not in _MATTERS for name, _ in self.headers)
        )
