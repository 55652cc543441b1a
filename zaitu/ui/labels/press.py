"""A few typst compilers that are kept, and a short queue before them.

Measured on one core: 999 labels take 0.7 s; two jobs compile at the same time (typst lets go of Python's lock). Without the forgetting
below, printing 300 labels with other addresses each time makes a web process grow to 740 MB, with it to 280.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import noto_cjk_sans_otc
import typst

from zaitu.kernel.errors import Unavailable

COMPILERS: Final = 2
LARGE: Final = 30
"""Jobs of more pages take turns, so that one compiler is left for the small ones that somebody waits for at a printer."""
WAITING: Final = 6
"""Jobs in the queue; each holds a thread and a database connection of its web process."""
PATIENCE_S: Final = 10.0
RETRY_AFTER_S: Final = 5
_REMEMBERED: Final = 11
"""typst's memory of a job lasts for its next ten."""


class Press:
    """One per process; for any number of threads."""

    def __init__(self, *, waiting: int = WAITING, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._places = threading.BoundedSemaphore(COMPILERS + waiting)
        self._hands = threading.BoundedSemaphore(COMPILERS)
        self._large = threading.BoundedSemaphore(1)
        self._idle: list[typst.Compiler] = []

    def pdf(self, source: bytes, *, pages: int, **inputs: str) -> bytes:
        """Compile; raises Unavailable with a time to try again when the queue is full or does not move."""
        deadline = time.monotonic() + self._patience_s
        large = pages > LARGE
        with (
            _held(self._places, 0.0),
            _held(self._large if large else None, self._patience_s),
            _held(self._hands, deadline - time.monotonic()),
        ):
            return self._compiled(source, inputs, forget=large)

    def _compiled(self, source: bytes, inputs: dict[str, str], *, forget: bool) -> bytes:
        try:
            compiler = self._idle.pop()
        except IndexError:
            compiler = _compiler()
        try:
            # The source is given each time: a kept compiler forgets one that was given as bytes.
            made = compiler.compile(source, format="pdf", sys_inputs=inputs)
            for _ in range(_REMEMBERED if forget else 0):
                compiler.compile(b"", format="pdf")
        finally:
            self._idle.append(compiler)
        if not isinstance(made, bytes):
            raise TypeError("typst gave no single PDF")
        return made


@contextmanager
def _held(semaphore: threading.BoundedSemaphore | None, patience_s: float) -> Iterator[None]:
    if semaphore is None:
        yield
        return
    if not semaphore.acquire(timeout=max(0.0, patience_s)):
        raise Unavailable("打印任务较多，请稍后再试", retry_after_s=RETRY_AFTER_S)
    try:
        yield
    finally:
        semaphore.release()


def _compiler() -> typst.Compiler:
    return typst.Compiler(font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    """Kept: reading the 18 MB of Chinese glyphs takes longer than all the rest."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(str(noto_cjk_sans_otc.FONT_PATH)).parent)],
    )
