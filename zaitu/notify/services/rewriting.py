"""After a change of the data key: every value anew, and the blind indexes that follow from them."""

from collections.abc import Iterator, Mapping
from typing import Any

from zaitu.kernel.crypto import blind_index
from zaitu.kernel.rewriting import Batch, Plain, rows_rewrite
from zaitu.notify.domain.callbacks import ADDRESS_INDEX
from zaitu.notify.models import Attempt
from zaitu.notify.services.wechat import openids_rewrite


def keys_rewrite() -> Iterator[Batch]:
    """Batch by batch; may stop anywhere and be called again."""
    return rows_rewrite("notify", {Attempt: _indexes, **openids_rewrite()})


def _indexes(rows: Mapping[Any, Plain]) -> Mapping[Any, Mapping[str, Any]]:
    return {pk: {"address_index": blind_index(plain["address"], ADDRESS_INDEX)} for pk, plain in rows.items()}
