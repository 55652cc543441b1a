"""Which partner carriers goods are given to."""

from typing import Final

from zaitu.journey.models import NumberLink

_LOOKED_BACK: Final = 2_000
"""Forwardings: who was given nothing for so long is typed again."""


def carriers_lately() -> frozenset[str]:
    """Names of those of the newest forwardings; one query whose cost does not grow with their number."""
    newest = NumberLink.objects.order_by("-id").values_list("carrier", flat=True)[:_LOOKED_BACK]
    return frozenset(name for name in newest if name)
