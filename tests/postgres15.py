"""The oldest PostgreSQL that Zaitu runs on, for the tests of it: the one that is given, or the machine's own programs."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

from tests.running import free_port

CHECKOUT: Final = Path(__file__).parents[1]
WHY_NOT: Final = (
    "the tests on PostgreSQL 15 did not run: neither is ZAITU_TEST_PG15_URL set, nor are its programs in "
    "/usr/lib/postgresql/15/bin (Debian 12: apt-get install postgresql-15)"
)
_PLACES: Final = (
    Path("/usr/lib/postgresql/15/bin"),
    CHECKOUT / ".venv/postgres/usr/lib/postgresql/15/bin",
)
"""Of the distribution's package: installed, or unpacked by scripts/test-tools."""


def given() -> str:
    return os.environ.get("ZAITU_TEST_PG15_URL", "")


@cache
def binaries() -> Path | None:
    """The first place whose programs can be run."""
    return next((place for place in _PLACES if _runs(place / "postgres") and _runs(place / "pg_ctl")), None)


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def there_is_one() -> bool:
    return bool(given()) or binaries() is not None


@contextmanager
def running() -> Iterator[str]:
    """The address of a superuser on it: the one that is given, or a server of our own until the block ends."""
    if given():
        yield given()
        return
    programs = binaries()
    assert programs is not None, WHY_NOT
    folder = Path(tempfile.mkdtemp(prefix="zaitu-pg15-"))
    runner: dict[str, Any] = {}
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        runner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    port = free_port()
    control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-t", "60"]
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    try:
        _run([programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N"], runner)
        _run([*control, "-l", folder / "log", "-o", settings, "start"], runner)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/", **runner
        )
        rmtree(folder, ignore_errors=True)


def _run(command: list[str | Path], runner: dict[str, Any]) -> None:
    # No pipes: the server keeps those of pg_ctl open, and nobody would see their end.
    done = subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **runner
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}"
