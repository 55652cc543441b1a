"""Words that were said are found without being readable: blind indexes of pairs of characters (docs/adr/0097)."""

from typing import Final

from django.db.models import Q

from zaitu.kernel.crypto import blind_index, blind_indexes
from zaitu.kernel.search import grams, query_grams

_PURPOSE: Final = "desk words"
_HEX: Final = 12


def words_indexes(text: str) -> list[str]:
    """What to store for a text."""
    return [blind_index(gram, _PURPOSE)[:_HEX] for gram in grams(text)]


def words_asked(text: str) -> Q | None:
    """The condition on `grams` for what somebody typed, under each data key; None: nothing in it can be searched."""
    wanted = query_grams(text)
    if not wanted:
        return None
    condition = Q(pk__in=[])
    for under_key in zip(*(blind_indexes(gram, _PURPOSE) for gram in wanted), strict=True):
        condition |= Q(grams__contains=[index[:_HEX] for index in under_key])
    return condition
