import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

import pytest

from tests.running import Installation


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the database's user can reach (pytest's own tmp_path is private to us)."""
    path = Path(tempfile.mkdtemp(prefix="zaitu-place-"))
    path.chmod(0o711)
    yield path
    rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def started_before() -> Iterator[Path]:
    """A home that has been started and stopped once: tables made, static files collected."""
    place = Path(tempfile.mkdtemp(prefix="zaitu-template-"))
    place.chmod(0o711)
    first = Installation(place / "home")
    try:
        first.up()
        first.stop()
        yield first.home
    finally:
        first.ensure_stopped()
        rmtree(place, ignore_errors=True)


@pytest.fixture
def installation(place: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Installation]]:
    """Makes installations that are stopped after the test; `new=False`: begins with a home that was started before."""
    made: list[Installation] = []

    def make(name: str = "home", *, new: bool = True, **settings: object) -> Installation:
        if not new:
            template = request.getfixturevalue("started_before")
            copytree(template, place / name, ignore=ignore_patterns("run"))
        made.append(Installation(place / name, **settings))
        return made[-1]

    yield make
    for one in made:
        one.ensure_stopped()
