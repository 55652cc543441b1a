"""Child processes that cannot outlive us (Linux)."""

import ctypes
import os
import signal
import traceback
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """What a child of this process calls (also as `preexec_fn`) to be sent `signum` when its parent's thread ends.

    The order matters twice: setuid clears the request, and subprocess runs `preexec_fn` after it has changed the user;
    and the request follows the *thread*, so start children in the main thread only.
    """
    parent = os.getpid()

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # the parent died before the request was made
            os._exit(1)

    return ask


def call_oneself(name: str) -> None:
    """Show under this name in `ps -o comm` and `top` (15 bytes)."""
    _LIBC.prctl(_PR_SET_NAME, name.encode("ascii")[:15])


class Beside:
    """Work that a forked child does while we go on. Begin it in the main thread, before there are others or connections."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        tie = die_with_parent(signal.SIGKILL)
        self._pid = os.fork()
        self._status: int | None = None
        if self._pid == 0:
            status = 1
            try:
                tie()
                call_oneself(f"zaitu-{name}")
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; the parent ends us
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                work()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)

    def done(self) -> bool:
        """Whether it has ended; never waits."""
        return self._ended(os.WNOHANG)

    def succeeded(self) -> bool:
        """Wait for its end; False when it failed, of which it has told on stderr."""
        self._ended(0)
        return self._status == 0

    def end(self) -> None:
        """In the middle of its work if need be."""
        if not self.done():
            os.kill(self._pid, signal.SIGKILL)
            self._ended(0)

    def _ended(self, how: int) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self._pid, how)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is not None
