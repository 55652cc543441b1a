"""Child processes that cannot outlive us (Linux)."""

import ctypes
import os
import signal
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
