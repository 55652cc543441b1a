"""The folder of one installation: secrets, sockets, and where its own database answers."""

import base64
import hashlib
import secrets
from pathlib import Path
from typing import Final

_SOCKET_PATH_MAX: Final = 90
"""Unix socket addresses hold 108 bytes; PostgreSQL adds `/.s.PGSQL.5432`."""


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path

    def secret(self, name: str) -> str:
        """A random secret of this installation, made when first asked for, readable by its owner only."""
        path = self.path / "secrets" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
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

    @property
    def run(self) -> Path:
        """Where sockets live: inside the home, or a private short folder when the home's path is too long for a socket."""
        inside = self.path / "run"
        if len(str(inside)) <= _SOCKET_PATH_MAX:
            return inside
        return Path("/tmp") / f"zaitu-{hashlib.sha256(str(self.path).encode()).hexdigest()[:12]}"  # noqa: S108

    def socket(self, name: str) -> Path:
        return self.run / f"{name}.sock"

    def database_url(self) -> str:
        """Where the embedded PostgreSQL of this home answers (Unix socket, peer is the same machine)."""
        return f"postgresql://zaitu@/zaitu?host={self.run / 'pg'}"
