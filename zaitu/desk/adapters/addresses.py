"""The address in an answer that opens its conversation: short enough for any channel, and nobody makes one up."""

import hmac
from typing import Final

from zaitu.kernel.crypto import blind_index, blind_indexes

_PURPOSE: Final = "desk thread"
_HEX: Final = 20
PARAMETER: Final = "c"


def thread_address(link: str, conversation_id: int) -> str:
    """The tracking page's address with its link, and the conversation beside it; the link is what expires and is revoked."""
    mark = f"{conversation_id}.{blind_index(str(conversation_id), _PURPOSE)[:_HEX]}"
    return f"{link}{'&' if '?' in link else '?'}{PARAMETER}={mark}"


def thread_named(mark: str) -> int | None:
    """The conversation of such an address; None for anything else."""
    number, _, told = mark.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and told.isascii()):
        return None
    made = (index[:_HEX] for index in blind_indexes(str(int(number)), _PURPOSE))
    return int(number) if any(hmac.compare_digest(told, one) for one in made) else None
