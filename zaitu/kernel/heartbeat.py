"""Long-running parts say that they can do their work; `/healthz/ready` listens.

One file per part beside the bus socket, touched: no database is needed to say that the database does not answer.
"""

import time
from pathlib import Path
from typing import Final

from django.conf import settings

from zaitu.kernel import clock

STALE_S: Final = 10.0
"""A part silent for longer counts as stopped."""
_AT_MOST_EVERY_S: Final = 1.0

_last: dict[str, float] = {}


def beat(part: str) -> None:
    """Call at least every 2 s while the part can do its work (its database connection included); cheap to call often."""
    now = time.monotonic()
    if now - _last.get(part, -_AT_MOST_EVERY_S) >= _AT_MOST_EVERY_S:
        _last[part] = now
        path = _file(part)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch()


def age_s(part: str) -> float | None:
    """Seconds since the part's last beat; None when it never beat on this machine."""
    try:
        return max(0.0, clock.now().timestamp() - _file(part).stat().st_mtime)
    except FileNotFoundError:
        return None


def _file(part: str) -> Path:
    return Path(settings.ZAITU_BUS_PATH).with_name(f"{part}.beat")
