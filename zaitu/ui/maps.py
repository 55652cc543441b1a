"""What the browser must know to draw a map: the operator's tile layer and its datum."""

from typing import Any

from django.conf import settings

from zaitu.kernel import borders


def map_config() -> dict[str, Any]:
    """`{tiles, datum, attribution}`, and for a GCJ-02 layer the `border` inside which coordinates are shifted (kernel.borders)."""
    config: dict[str, Any] = dict(settings.ZAITU_MAP)
    if config["tiles"] and config["datum"] == "gcj02":
        config["border"] = {
            "inside": [borders.MAINLAND, borders.XISHA],
            "outside": [borders.HONG_KONG, borders.MACAO],
        }
    return config
