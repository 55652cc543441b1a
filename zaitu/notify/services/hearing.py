"""What comes over a sender's own line: receipts, and what people have texted."""

from collections.abc import Sequence

from django.db import connection

from zaitu.notify.channels.sender import Texted
from zaitu.notify.domain.ways import Receipt
from zaitu.notify.services.inbound import inbound_take
from zaitu.notify.services.ways import receipts_take


def hear(provider: str, receipts: Sequence[Receipt], texts: Sequence[Texted]) -> None:
    """Keep them; committed when this returns. In a thread of the line, whose database connection is let go each time."""
    try:
        if receipts:
            receipts_take(provider=provider, receipts=receipts)
        for one in texts:
            inbound_take(provider=provider, ref=one.ref, address=one.address, text=one.text, at=one.at)
    finally:
        connection.close()
