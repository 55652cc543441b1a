"""A partner's number (转单) as people outside may find a shipment by it (ADR 0065)."""

import re
from datetime import timedelta
from typing import Final

from zaitu.kernel.waybills import number_plain

_FOUND: Final = re.compile(r"(?=(?:[A-Z]*[0-9]){6})[A-Z0-9]{8,40}")
"""At least eight letters and digits, six of them digits: a shorter one is tried out in no time."""
FOUND_FOR: Final = timedelta(days=180)
"""Partners use their numbers again; what was forwarded longer ago is found by our number only."""


def partner_number(text: str) -> str:
    """The number as it is looked up, from what a person typed; empty for one that nobody outside finds anything by."""
    plain = number_plain(text)
    return plain if _FOUND.fullmatch(plain) else ""
