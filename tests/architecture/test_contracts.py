"""The house's rules are held by tools; here the tools are tried on a copy of the house with one rule broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import settings_page, sizes

ROOT = Path(__file__).parents[2]
ROOMS = "Imports between rooms run downwards"
INSIDE = "Inside a room imports run downwards"
PURE = "Rules and codecs are pure"
DOORS = "Rooms are entered through public and events only"
CYCLES = "No cycles among siblings"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of what import-linter looks at."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "zaitu", copy / "zaitu", ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copytree(ROOT / "tools", copy / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def _broken(house):
    """Names of the contracts that do not hold."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=house,
        env={"PYTHONPATH": str(house), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    names = [line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")]
    assert bool(names) == bool(done.returncode), done.stdout + done.stderr
    return names


def test_the_house_keeps_its_contracts(house):
    assert _broken(house) == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("zaitu/kernel/clock.py", "import zaitu.journey.public", ROOMS),
        ("zaitu/notify/public.py", "import zaitu.journey.public", ROOMS),
        ("zaitu/portal/urls.py", "import zaitu.console.urls", ROOMS),
        ("zaitu/claims/__init__.py", "", ROOMS),
        ("zaitu/access/selectors.py", "import zaitu.access.services", INSIDE),
        ("zaitu/access/helpers.py", "import zaitu.access.services", INSIDE),
        ("zaitu/journey/domain/eta.py", "import django.db", PURE),
        ("zaitu/telemetry/codecs/columns.py", "import zaitu.kernel.clock", PURE),
        ("zaitu/portal/urls.py", "import zaitu.journey.services", DOORS),
        ("zaitu/journey/public.py", "import zaitu.network.models", DOORS),
        ("zaitu/kernel/money.py", "import zaitu.kernel.pages\n", CYCLES),
    ],
)
def test_a_broken_rule_is_found(house, module, line, contract):
    path = house / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    other = house / "zaitu/kernel/pages.py"
    other_before = other.read_text(encoding="utf-8")
    path.parent.mkdir(exist_ok=True)
    try:
        path.write_text(f"{line}\n{before or ''}", encoding="utf-8")
        if contract == CYCLES:
            other.write_text(f"import zaitu.kernel.money\n{other_before}", encoding="utf-8")
        assert [name for name in _broken(house) if name.startswith(contract)], (
            f"{line} in {module} went unseen"
        )
    finally:
        other.write_text(other_before, encoding="utf-8")
        if before is None:
            path.unlink()
            if module.endswith("__init__.py"):
                path.parent.rmdir()
        else:
            path.write_text(before, encoding="utf-8")


def test_long_files_and_long_functions_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    (tmp_path / "long.py").write_text("x = 1\n" * 501)
    assert sizes.too_long(tmp_path / "long.py") == ["long.py: 501 lines, at most 500"]
    (tmp_path / "fits.py").write_text("x = 1\n" * 500)
    assert sizes.too_long(tmp_path / "fits.py") == []
    (tmp_path / "deep.py").write_text("async def f():\n" + "    x = 1\n" * 60)
    assert sizes.too_long(tmp_path / "deep.py") == ["deep.py:1 f: 61 lines, at most 60"]


def test_the_settings_page_tells_every_setting_and_is_current():
    page = settings_page.page()
    assert all(f"`ZAITU_{name.upper()}`" in page for name in settings_page.Env.model_fields)
    assert settings_page.PAGE.read_text(encoding="utf-8") == page, "run python -m tools.settings_page"
