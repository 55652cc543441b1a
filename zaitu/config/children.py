"""Child processes that cannot outlive us (Linux)."""

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `signum` to the child when the starting thread ends.

    The order matters twice: setuid clears the request, and subprocess runs `preexec_fn` after it has changed the user;
    and the request follows the *thread*, so call Popen from the main thread only.
    """
    parent = os.getpid()

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # the parent died before the request was made
            os._exit(1)

    return ask
