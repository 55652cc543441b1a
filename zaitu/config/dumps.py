"""A database into a file and out of it, by PostgreSQL's own programs: those of the wheel, for any server from 15 on.

pg_restore of a new version speaks to an old server as if it were a new one. It is asked for a script instead, which psql runs without
the settings that the server does not know.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import psycopg
from psycopg.pq import Conninfo

from zaitu.config.postgres import binaries
from zaitu.kernel.errors import Conflict, Unavailable

_PLAIN: Final = ("--no-owner", "--no-acl")
_ONE_TRANSACTION: Final = (
    "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction",
)  # fmt: skip
_SETTING: Final = re.compile(rb"SET (\w+) = ")
_COLUMN_OPTIONS: Final = re.compile(rb"ALTER TABLE ONLY \S+ ALTER COLUMN .+ SET \(.*\);")
"""None are ours. Some builds of PostgreSQL keep a version there, which no other server takes."""
_FIRST_THING: Final = b"-- Name: "
_CHUNK: Final = 1 << 20


def dump(url: str, file: Path) -> None:
    """Everything in the database, as of one instant, in pg_dump's custom format. Raises Unavailable."""
    with _started("pg_dump", url, "--format=custom", *_PLAIN, f"--file={file}") as run:
        run.must_end_well()


def restore(url: str, file: Path) -> None:
    """Put such a file into an empty database, whole or not at all. Raises Conflict (it has tables), Unavailable."""
    known = _known_settings(url)
    with (
        tempfile.NamedTemporaryFile("wb") as wanted,
        _started("psql", url, *_ONE_TRANSACTION, "--file=-") as run,
    ):
        wanted.writelines(_contents(url, file))
        wanted.flush()
        script = (*_PLAIN, "--file=-", f"--use-list={wanted.name}", str(file))
        with suppress(BrokenPipeError):  # it has given up: it says why below
            with _started("pg_restore", url, "--section=pre-data", *script) as tables:
                run.stdin.writelines(_preamble(tables.stdout, known))
                run.stdin.writelines(line for line in tables.stdout if not _COLUMN_OPTIONS.match(line))
                tables.must_end_well()
            with _started("pg_restore", url, "--section=data", "--section=post-data", *script) as rows:
                run.stdin.writelines(_preamble(rows.stdout, known))
                shutil.copyfileobj(rows.stdout, run.stdin, _CHUNK)
                rows.must_end_well()  # before psql hears the end, at which it commits
            run.stdin.close()
        run.must_end_well()


def _contents(url: str, file: Path) -> list[bytes]:
    """What to restore: everything but words about extensions, which belong to whoever made them, on some servers not us."""
    with _started("pg_restore", url, "--list", str(file)) as run:
        lines = [line for line in run.stdout if b" COMMENT - EXTENSION " not in line]
        run.must_end_well()
    return lines


def _preamble(script: IO[bytes], known: frozenset[bytes]) -> Iterator[bytes]:
    """The script's lines up to the first thing it makes, without settings of a newer server."""
    for line in script:
        setting = _SETTING.match(line)
        if setting is None or setting[1] in known:
            yield line
        if line.startswith(_FIRST_THING):
            return


def _known_settings(url: str) -> frozenset[bytes]:
    """Names of the server's settings, once it is sure that the database is empty."""
    try:
        with psycopg.connect(url) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LIMIT 1"
            )
            if found.fetchone():
                raise Conflict("目标数据库里已有表；恢复只写入空数据库")
            return frozenset(name.encode() for (name,) in connection.execute("SELECT name FROM pg_settings"))
    except psycopg.Error as error:
        raise Unavailable(f"数据库没有应答：{str(error).splitlines()[0]}") from None


class _Run:
    """One of PostgreSQL's programs at work."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101  pipes were asked for
        assert process.stdout is not None  # noqa: S101  the same
        self._name, self._process, self._errors = name, process, errors
        self.stdin, self.stdout = process.stdin, process.stdout

    def must_end_well(self) -> None:
        """Wait for its end. Raises Unavailable with its own reason."""
        if self._process.wait():
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
            reason = next((line for line in lines if "error" in line.casefold()), "没有说明")
            raise Unavailable(f"{self._name} 没有完成：{reason}")


@contextmanager
def _started(name: str, url: str, *arguments: str) -> Iterator[_Run]:
    """The program, which does not outlive the block. The address goes by environment, so that no password shows in `ps`."""
    # Everything the address says goes along: without its sslmode the password would go over an open line.
    address = {
        part.envvar.decode(): part.val.decode()
        for part in Conninfo.parse(url.encode())
        if part.envvar and part.val
    }
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  our own program, our own arguments
            [binaries() / name, *arguments],
            env={"LC_ALL": "C", **address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            yield _Run(name, process, errors)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(BrokenPipeError):
                    pipe.close()  # type: ignore[union-attr]  # pipes were asked for
