"""Pages' own files: collected once under hashed, compressed names, and collected again only when one has changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # servestatic ships no types
    """Hashed names once collected; plain ones before (tests, commands)."""

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name


def collect() -> bool:
    """Bring STATIC_ROOT up to date; False when nothing had changed."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / "made-from.txt"
    key = _key()
    if stamp.exists() and stamp.read_text(encoding="ascii") == key:
        return False
    root.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(key, encoding="ascii")
    return True


def _key() -> str:
    """Names, sizes and times of all source files."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            about = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()
