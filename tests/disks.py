"""Small file systems that are really full, for whoever runs the tests: root mounts them, others in a namespace of their own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_HOLD = """
mount -t tmpfs -o size="$2" tmpfs "$1" && chmod 0777 "$1" && echo mounted
while read -r size; do mount --options-mode=ignore -o "remount,size=$size" "$1" && echo mounted; done
"""
"""A shell that mounts at $1 with the size $2, and anew with each size it is told, until its input ends.

The size alone: the owner that the kernel shows means nothing inside the namespace.
"""


@dataclass
class Disk:
    path: Path
    """Where we reach it: an ordinary user's lies in the namespace of the process that holds it."""
    _holder: "subprocess.Popen[str]"

    def grow(self, size: str) -> None:
        assert self._holder.stdin is not None
        self._holder.stdin.write(f"{size}\n")
        self._holder.stdin.flush()
        _mounted(self._holder)


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Disk]:
    """A file system of this size (`64k`) mounted at `place`, which is made."""
    place.mkdir()
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    holder = subprocess.Popen(
        [*namespace, "sh", "-c", _HOLD, "sh", str(place), size],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _mounted(holder)
        yield Disk(Path(f"/proc/{holder.pid}/root{place.resolve()}"), holder)
    finally:
        # The mount ends with the last process of its namespace.
        holder.communicate()


def _mounted(holder: "subprocess.Popen[str]") -> None:
    assert holder.stdout is not None
    said = holder.stdout.readline().strip()
    if said != "mounted":
        pytest.fail(
            f"a small file system cannot be mounted here ({said}): run as root, or allow user namespaces (sysctl user.max_user_namespaces)"
        )
