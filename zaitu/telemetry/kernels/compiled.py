"""The one way a kernel is compiled."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at first call, without the interpreter's lock while it runs; kept beside the source (or in NUMBA_CACHE_DIR)."""
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, boundscheck=False)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A small function that kernels call; compiled into them."""
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, inline="never")(function))
