"""What the browser must know to draw a map: the operator's tile layer and its datum."""

from typing import Any

from django.conf import settings


def map_config() -> dict[str, Any]:
    """`{tiles, datum, attribution}`, and for a GCJ-02 layer the `border` inside which coordinates are shifted."""
    config: dict[str, Any] = dict(settings.ZAITU_MAP)
    return config
