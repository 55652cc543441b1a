"""CBV 2.0 words. A standard word may be written short or as one of three addresses; it is kept short."""

import re
from typing import Final

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
EVENT_TYPES: Final = (
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
)
ACTIONS: Final = ("OBSERVE", "ADD", "DELETE")
_LONG: Final = re.compile(
    r"(?:(?:cbv:|https?://ref\.gs1\.org/cbv/)(?:BizStep|Disp|BTT|SDT)-|urn:epcglobal:cbv:(?:bizstep|disp|btt|sdt):)(.+)"
)


def short(word: str) -> str:
    """`https://ref.gs1.org/cbv/BizStep-shipping` and `urn:epcglobal:cbv:bizstep:shipping` are `shipping`; others stay."""
    match = _LONG.fullmatch(word.strip())
    return match[1] if match else word.strip()
