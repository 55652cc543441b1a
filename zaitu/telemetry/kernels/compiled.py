"""The one way a kernel is compiled."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

_njit: Any = numba.njit
P = ParamSpec("P")
R = TypeVar("R")


def sources_digest() -> str:
    """Of all that is compiled into kernels: they themselves, the rules' thresholds and the columns they read."""
    room = Path(__file__).parent.parent
    digest = hashlib.blake2b(digest_size=8)
    for folder in ("kernels", "rules", "codecs", "domain"):
        for path in sorted((room / folder).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept_in() -> str:
    """A folder for kernels of exactly these sources.

    numba compares a kernel with its own file only, and would go on using one whose constants or helpers, in other files,
    have changed.
    """
    asked = _config.CACHE_DIR
    beside = Path(__file__).parent / "__pycache__"
    if os.access(beside if beside.is_dir() else beside.parent, os.W_OK):
        chosen = beside
    else:
        chosen = Path(asked) if asked else Path.home() / ".cache" / "zaitu"
    return str(chosen / f"kernels-{sources_digest()}")


_config: Any = numba.config
_config.CACHE_DIR = _kept_in()


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
