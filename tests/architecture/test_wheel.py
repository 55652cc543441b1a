"""`pip install .` gives the whole product, browser libraries included, and it runs outside the checkout."""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from tests.running import Installation

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT],
        check=True,
        cwd=folder,
    )
    return next(folder.glob("zaitu-*.whl"))


def test_the_wheel_carries_what_pages_need(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "vendor/leaflet/leaflet.js",
        "vendor/tabler/tabler.min.css",
        "vendor/zxing/zxing_reader.wasm",
    ):
        assert f"zaitu/ui/static/{name}" in names
    tracked = subprocess.run(
        ["git", "ls-files", "zaitu"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert set(tracked) <= names


@pytest.mark.fault
def test_the_product_runs_from_the_wheel(wheel):
    place = Path(tempfile.mkdtemp(prefix="zaitu-wheel-"))
    place.chmod(0o711)
    unpacked = place / "site"
    zipfile.ZipFile(wheel).extractall(unpacked)
    start = f"import sys; sys.path.insert(0, {str(unpacked)!r}); from zaitu.config.cli import main; main()"
    running = Installation(place / "home", program=(sys.executable, "-P", "-c", start))
    try:
        where = running.run("shell", "-c", "import zaitu; print(zaitu.__file__)").stdout
        assert where.strip().endswith(f"{unpacked}/zaitu/__init__.py")
        running.up()
        page = running.get("/")
        assert page.status_code == 200
        hashed = re.search(r'"(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.text)
        assert hashed, "pages name their files by hash"
        for file in (hashed[1], "/static/vendor/leaflet/leaflet.js"):
            assert (
                running.get(file, headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
            )
    finally:
        running.ensure_stopped()
        shutil.rmtree(place, ignore_errors=True)
