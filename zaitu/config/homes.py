"""The folder of one installation: secrets, sockets, locks, and where its own database answers."""

import base64
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zaitu.config import values
from zaitu.kernel.errors import Conflict, Invalid, Unavailable

_SOCKET_PATH_MAX: Final = 80
"""Unix socket addresses hold 108 bytes; PostgreSQL adds `/pg/.s.PGSQL.5432`."""


def random_key() -> str:
    """32 random bytes, in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path

    def made(self) -> Path:
        """The folder itself. Others may pass through it (the database's user must), not look around.

        Raises Unavailable when it cannot be made or written into.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        except OSError as error:
            raise Unavailable(
                f"建不了数据目录 {self.path}（{error.strerror}）；请换一个 ZAITU_HOME"
            ) from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise Unavailable(f"数据目录 {self.path} 不可写；请换一个 ZAITU_HOME")
        return self.path

    def secret(self, name: str) -> str:
        """A random secret of this installation, made when first asked for, readable by its owner only."""
        path = self.path / "secrets" / name
        if not path.exists():
            self.made()
            path.parent.mkdir(exist_ok=True, mode=0o700)
            made = random_key()
            # Written aside and linked: two processes starting together agree on one secret.
            aside = path.with_name(f"{name}.{secrets.token_hex(4)}")
            aside.touch(mode=0o600)
            aside.write_text(made, encoding="ascii")
            try:
                path.hardlink_to(aside)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
        return path.read_text(encoding="ascii").strip()

    def data_key(self) -> str:
        """The secret that personal data is encrypted with; several while it is changed. Raises Invalid when it is none."""
        path = self.path / "secrets" / "data_key"
        try:
            return values.data_key(self.secret("data_key"))
        except OSError as error:
            raise Invalid(f"读不了数据密钥 {path}：{error.strerror}") from None
        except ValueError as error:  # UnicodeDecodeError among them
            why = "不是 ASCII 文字" if isinstance(error, UnicodeDecodeError) else error
            raise Invalid(f"{path} 里不是数据密钥（{why}）：请放回原来的文件（备份里有）再启动") from None

    def secret_put(self, name: str, value: str) -> None:
        """Exchange a secret there is, as a whole: whoever reads it meanwhile finds the old one or the new one."""
        path = self.path / "secrets" / name
        aside = path.with_name(f"{name}.{secrets.token_hex(4)}")
        aside.touch(mode=0o600)
        owner = path.stat()
        os.chown(aside, owner.st_uid, owner.st_gid)  # root may do it for the user who runs Zaitu
        with aside.open("w", encoding="ascii") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)

    @property
    def run(self) -> Path:
        """Where sockets live: inside the home, or a private short folder when the home's path is too long for a socket."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= _SOCKET_PATH_MAX:
            return inside
        return Path("/tmp") / f"zaitu-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]}"  # noqa: S108  owner is checked in run_made

    def run_made(self) -> Path:
        """The folder of sockets, made if need be. Raises Unavailable when somebody else owns it."""
        self.made()
        run = self.run
        run.mkdir(exist_ok=True, mode=0o711)
        if run.is_symlink() or run.stat().st_uid != os.geteuid():
            raise Unavailable(f"{run} 属于另一个用户，无法在其中放置套接字；请换一个 ZAITU_HOME")
        return run

    @property
    def company_name(self) -> str:
        """What earlier versions' `zaitu init` was told; empty in newer homes, where the database has it."""
        path = self.path / "company.txt"
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""

    @property
    def is_demo(self) -> bool:
        """Whether the company in here is the invented one."""
        return (self.path / "demo.txt").exists()

    def is_demo_put(self) -> None:
        (self.made() / "demo.txt").write_text("演示公司，数据都是虚构的\n", encoding="utf-8")

    def socket(self, name: str) -> Path:
        return self.run / f"{name}.sock"

    @property
    def postgres_data(self) -> Path:
        """Data directory of the embedded PostgreSQL (a link when `nobody` cannot reach the home)."""
        return self.path / "pg"

    @property
    def postgres_socket(self) -> Path:
        """Folder of the embedded PostgreSQL's Unix socket (a link when `nobody` cannot reach the home)."""
        return self.run / "pg"

    @property
    def metrics(self) -> Path:
        """Where the processes of this run (we and our children) keep the numbers they share."""
        return self.run_made() / f"metrics-{os.getpid()}"

    def database_url(self) -> str:
        """Where the embedded PostgreSQL of this home answers (Unix socket, peer is the same machine)."""
        return f"postgresql://zaitu@/zaitu?host={self.postgres_socket}"

    def log(self, name: str) -> Path:
        """The log file of that name; its folder is made."""
        folder = self.made() / "logs"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{name}.log"

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of that name until the block (or the process) ends. Raises Conflict when it is held elsewhere."""
        path = self.run_made() / f"{name}.lock"
        with path.open("a") as file:
            try:
                fcntl.lockf(
                    file, fcntl.LOCK_EX | fcntl.LOCK_NB
                )  # unlike flock: not shared with forked children
            except (BlockingIOError, PermissionError):
                raise Conflict(f"{path} 正被另一个 zaitu 进程占用") from None
            yield
