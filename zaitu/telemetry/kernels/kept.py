"""Where compiled kernels are kept: a folder for each version of what is compiled, and none for those that nobody uses any more.

numba compares a kernel with its own file only, and would go on using one whose constants or helpers, in other files, have changed.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

_WHOLE: Final = "whole"
"""A file made when everything that a start needs has been compiled into the folder."""
_COMPILING: Final = "compiling"
"""Another, which a process locks while it compiles. The folder itself is locked (shared) by every process that loads from it."""
_LEFT: Final = 1
"""Of the folders that nobody uses the latest stays: who goes back to the version before need not compile it again."""

_held: list[int] = []
"""Our locks' file descriptors; they end with the process."""


@cache
def sources_digest() -> str:
    """Of all that is compiled into kernels, and of what compiles it: the kernels, the rules' thresholds, the columns they read."""
    room = Path(__file__).parent.parent
    sources = [
        path for part in ("kernels", "rules", "codecs", "domain") for path in (room / part).rglob("*.py")
    ]
    sources += (room.parent / "kernel").glob("geo.py")
    digest = hashlib.blake2b(f"{version('numba')} {platform.python_version()}".encode(), digest_size=8)
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def folder() -> Path:
    """Beside the sources; where these cannot be written to, in NUMBA_CACHE_DIR, or else in the user's cache."""
    beside = Path(__file__).parent / "__pycache__"
    if os.access(beside if beside.is_dir() else beside.parent, os.W_OK):
        chosen = beside
    else:
        asked = os.environ.get("NUMBA_CACHE_DIR")  # noqa: TID251  numba's own switch
        chosen = Path(asked) if asked else Path.home() / ".cache" / "zaitu"
    return chosen / f"kernels-{sources_digest()}"


def used(kept: Path) -> None:
    """From now on until this process ends nobody takes the folder away. It is made if need be."""
    while True:
        try:
            kept.mkdir(parents=True, exist_ok=True)
            lock = os.open(kept, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, FileExistsError):
            if kept.is_file():
                raise
            continue  # taken away between two steps: once more
        fcntl.flock(lock, fcntl.LOCK_SH)
        if _same(lock, kept):
            os.utime(kept)
            _held.append(lock)
            return
        os.close(lock)


@contextlib.contextmanager
def compiled_once(kept: Path) -> Iterator[None]:
    """For what compiles all that a start needs: of several processes one does it, and the others wait and find it there."""
    if is_whole(kept):
        yield
        return
    with (kept / _COMPILING).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        (kept / _WHOLE).touch()


def is_whole(kept: Path) -> bool:
    """Whether a start finds there what it needs."""
    return (kept / _WHOLE).exists()


def older_forgotten(kept: Path) -> list[Path]:
    """Take away the other versions' folders beside this one that no process uses, but for the latest; which went.

    Any number of processes may do this at once, and start meanwhile.
    """
    for aside in kept.parent.glob("forgotten-*"):  # by one that was killed meanwhile
        shutil.rmtree(aside, ignore_errors=True)
    others = sorted(set(kept.parent.glob("kernels-*")) - {kept}, key=_used_at, reverse=True)
    idle = [path for path in others if _is_idle(path)]
    return [path for path in idle[_LEFT:] if _taken_away(path)]


def _used_at(kept: Path) -> float:
    try:
        return kept.stat().st_mtime
    except FileNotFoundError:  # another process was faster
        return 0.0


def _is_idle(kept: Path) -> bool:
    lock = _locked_alone(kept)
    if lock is None:
        return False
    os.close(lock)
    return True


def _taken_away(kept: Path) -> bool:
    """Moved aside while nobody can begin to use it, and then deleted."""
    lock = _locked_alone(kept)
    if lock is None:
        return False
    try:
        aside = kept.with_name(f"forgotten-{os.getpid()}-{kept.name}")
        kept.rename(aside)
    except OSError:  # another user's, as those of a shared checkout may be: it stays
        return False
    finally:
        os.close(lock)
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _locked_alone(kept: Path) -> int | None:
    """The folder's lock; None when somebody has it, or the folder is not there or may not be read."""
    try:
        lock = os.open(kept, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if not _same(lock, kept):
        os.close(lock)
        return None
    return lock


def _same(lock: int, path: Path) -> bool:
    """Whether what we have locked is still what others find there."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
