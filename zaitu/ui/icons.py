"""Tabler's outline icons, inlined: no icon font to load, and colour and size follow the text."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from django.utils.html import escape

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = HERE / "static" / "vendor" / "icons"


@cache
def names() -> frozenset[str]:
    """The icons we use; web/vendor.py copies exactly these."""
    return frozenset((HERE / "icons.txt").read_text(encoding="utf-8").split())


@cache
def _inner(name: str) -> str:
    if name not in names():
        raise KeyError(f"icon {name} is not listed in zaitu/ui/icons.txt")
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    found = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{name}.svg is not an SVG file")
    return " ".join(found[1].split())


def svg(name: str, *, size: int = 20, label: str = "") -> str:
    """One `<svg>`, `size` px square. Raises KeyError for an unlisted name, FileNotFoundError before set-up has run."""
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return (
        f'<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {said}>{_inner(name)}</svg>'
    )
