"""What people have texted to our numbers. Stands in until notify keeps it (the same name and signature): it is counted, nothing more."""

import logging
from datetime import datetime

log = logging.getLogger(__name__)


def inbound_take(provider: str, ref: str, address: str, text: str, at: datetime) -> None:
    """Log that one text has come, without its number or words. May be told again."""
    del ref, address, text, at
    log.info("%s: 1 text has come and is not kept", provider)
