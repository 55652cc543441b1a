"""The one way a kernel is compiled."""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba

from zaitu.telemetry.kernels import kept

_njit: Any = numba.njit
P = ParamSpec("P")
R = TypeVar("R")


_config: Any = numba.config
KEPT: Final = kept.folder()
kept.used(KEPT)
_config.CACHE_DIR = str(KEPT)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at first call, without the interpreter's lock while it runs; kept beside the source (or in NUMBA_CACHE_DIR)."""
    return cast("Callable[P, R]", _njit(cache=True, nogil=True, boundscheck=False)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A small function that kernels call; compiled into them."""
    return cast("Callable[P, R]", _njit(cache=True, nogil=True, inline="never")(function))


def bare(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel, or a function that bare kernels call, which is given its arrays and makes none.

    It counts no references: in kernels of many small functions these atomic operations were four fifths of the time.
    """
    return cast("Callable[P, R]", _njit(cache=True, nogil=True, boundscheck=False, _nrt=False)(function))
