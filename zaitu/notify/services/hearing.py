"""What comes over a sender's own line: receipts, and what people have texted."""

from collections.abc import Sequence

from django.db import connection

from zaitu.notify.domain.callbacks import Heard
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.ways import Receipt
from zaitu.notify.services.inbound import heard_take
from zaitu.notify.services.ways import receipts_take


def hear(provider: str, receipts: Sequence[Receipt], texts: Sequence[Heard]) -> None:
    """Keep them; committed when this returns. In a thread of the line, whose database connection is let go each time."""
    try:
        if receipts:
            receipts_take(provider=provider, receipts=receipts)
        heard_take(provider=provider, channel=Channel.SMS, heard=texts)
    finally:
        connection.close()
