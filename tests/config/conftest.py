import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from tests.running import Installation


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the database's user can reach (pytest's own tmp_path is private to us)."""
    path = Path(tempfile.mkdtemp(prefix="zaitu-place-"))
    path.chmod(0o711)
    yield path
    rmtree(path, ignore_errors=True)


@pytest.fixture
def installation(place: Path) -> Iterator[Callable[..., Installation]]:
    """Makes installations that are stopped after the test."""
    made: list[Installation] = []

    def make(name: str = "home", **settings: object) -> Installation:
        made.append(Installation(place / name, **settings))
        return made[-1]

    yield make
    for one in made:
        one.ensure_stopped()
