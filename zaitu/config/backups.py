"""One file that holds an installation: its database, its files, its secrets. And putting it back.

The file is a tar: `manifest.json` first (what it is, and a SHA-256 of every other member), then `database.dump`
(pg_dump's custom format), `secrets/…`, `demo.txt`, `files/…`, `archive/…`, and of older homes `company.txt`. It opens everything: mode 0600.
"""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from zaitu import __version__
from zaitu.config import dumps
from zaitu.config.homes import Home
from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Invalid, Unavailable

FORMAT: Final = 1
FILES_LOCK: Final = "files"
"""Held by whoever copies the home's files, or exchanges them."""
_MANIFEST: Final = "manifest.json"
_DUMP: Final = "database.dump"
_PARTS: Final = ("secrets", "company.txt", "demo.txt", "files", "archive")
"""What of a home is kept beside the database; sockets, logs and collected static files are made anew."""
_LEFT_ALONE: Final = frozenset({"run", "logs"})
"""An empty home may have these."""
_CHUNK: Final = 1 << 20


def backup(home: Home, url: str, file: Path) -> int:
    """Write everything into `file`; its size in bytes. The installation may be running: the database is one snapshot.

    Raises Conflict when the file exists or files are being sealed anew, Unavailable when the database or the disk does not give it.
    """
    if file.exists():
        raise Conflict(f"{file} 已存在，备份不会覆盖它")
    try:
        with (
            # A file that is sealed anew while we copy would not be the one we counted.
            home.locked(FILES_LOCK),
            tempfile.TemporaryDirectory(prefix=".zaitu-backup-", dir=file.resolve().parent) as folder,
        ):
            dump = Path(folder, _DUMP)
            # The database first: every file it knows is on disk before its row, and files are taken away a day after it at the earliest.
            dumps.dump(url, dump)
            members = {_DUMP: dump, **_members(home)}
            whole = Path(folder, "whole")
            _write(whole, members)
            whole.rename(file)
    except OSError as error:
        raise Unavailable(f"备份没有写成：{error.strerror or error}") from None
    return file.stat().st_size


def restore(home: Home, file: Path, *, database: Callable[[], Any], url: str) -> dict[str, Any]:
    """Put a backup into an empty home and an empty database; the manifest.

    `database()` is a context manager inside which `url` answers. Nothing is left behind when it fails.
    Raises Invalid (not a whole backup), Conflict (not empty), Unavailable (the database refuses it).
    """
    before = _must_be_empty(home)
    with _opened(file) as archive:
        manifest = _verified(archive, file)
        try:
            _unpack(archive, home)
            with database():
                dumps.restore(url, home.path / _DUMP)
        except BaseException:
            _empty(home, keep=before)
            raise
        (home.path / _DUMP).unlink()
    return manifest


def _members(home: Home) -> dict[str, Path]:
    found = {}
    for part in _PARTS:
        top = home.path / part
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file():
                found[path.relative_to(home.path).as_posix()] = path
    return found


def _write(target: Path, members: dict[str, Path]) -> None:
    target.touch(mode=0o600)
    manifest = {
        "zaitu": __version__,
        "format": FORMAT,
        "at": clock.now().isoformat(),
        "sha256": {name: _digest(path.open("rb")) for name, path in members.items()},
    }
    with tarfile.open(target, "w") as archive:
        described = json.dumps(manifest, indent=1).encode()
        about = tarfile.TarInfo(_MANIFEST)
        about.size = len(described)
        archive.addfile(about, BytesIO(described))
        for name, path in members.items():
            archive.add(path, name, recursive=False)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _digest(file: IO[bytes]) -> str:
    with file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed wants readinto, which these have


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        archive = tarfile.open(file, "r:")  # noqa: SIM115  closed below
    except FileNotFoundError:
        raise Invalid(f"找不到文件 {file}") from None
    except OSError as error:
        raise Invalid(f"读不了 {file}：{error.strerror or error}") from None
    except tarfile.TarError:
        raise Invalid(f"{file} 不是 zaitu backup 写出的文件") from None
    with archive:
        yield archive


def _verified(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    """The manifest, once every byte has been checked against it. Nothing has been written yet."""
    try:
        first = archive.next()
        if first is None or first.name != _MANIFEST:
            raise Invalid(f"{file} 不是 zaitu backup 写出的文件")
        manifest: dict[str, Any] = json.load(_content(archive, first))
        if manifest.get("format") != FORMAT:
            raise Invalid(f"{file} 的格式是第 {manifest.get('format')} 版，本程序只认第 {FORMAT} 版")
        expected = dict(manifest["sha256"])
        while member := archive.next():
            if not _harmless(member) or expected.pop(member.name, "") != _digest(_content(archive, member)):
                raise Invalid(f"{file} 已损坏：{member.name} 与清单不符")
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Invalid(f"{file} 已损坏或不完整") from None
    if _DUMP not in manifest["sha256"]:
        raise Invalid(f"{file} 不完整：缺少 {_DUMP}")
    if expected:
        raise Invalid(f"{file} 不完整：缺少 {next(iter(expected))}")
    return manifest


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise tarfile.ReadError(f"{member.name} is no file")
    return content


def _harmless(member: tarfile.TarInfo) -> bool:
    """A plain file inside the parts that a backup has: a made-up archive must not write elsewhere."""
    parts = PurePosixPath(member.name).parts
    return member.isreg() and ".." not in parts and parts[:1] in {(_DUMP,), *((part,) for part in _PARTS)}


def _unpack(archive: tarfile.TarFile, home: Home) -> None:
    home.made()
    for member in archive.getmembers():
        if member.name == _MANIFEST:
            continue
        target = home.path / member.name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.touch(mode=0o600)
        with _content(archive, member) as content, target.open("wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)


def _must_be_empty(home: Home) -> frozenset[str]:
    """Names in the home that may stay there."""
    names = frozenset(path.name for path in home.path.iterdir()) if home.path.exists() else frozenset()
    if names - _LEFT_ALONE:
        raise Conflict(f"{home.path} 不是空的；恢复只写入空目录，请换一个 ZAITU_HOME")
    return names


def _empty(home: Home, keep: frozenset[str]) -> None:
    for path in home.path.iterdir():
        if path.name in keep:
            continue
        real = path.resolve()
        if real.is_dir():
            shutil.rmtree(real)
        if path.is_symlink() or path.is_file():
            path.unlink()
