"""What our goods, places and trips are called outside: addresses of this installation (CBV 2.0 §8.2, private HTTP URIs).

Of others' identifiers only the number in them is read: an EPC is ours, or a partner's number of ours, by its last part.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

URI_MAX: Final = 1000
"""Characters of an identifier or eventID."""
_LAST: Final = re.compile(r"[/:#=]")
_CONSIGNMENT: Final = re.compile(r"urn:epc:id:(?:ginc|gsin|gdti|gsrn|cpi|giai):[0-9]+\.(.+)")
"""In these the company's own number stands after its prefix."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one installation; `root` is its public address without a slash at the end."""

    root: str

    @property
    def vocabulary(self) -> str:
        return f"{self.root}/epcis/ns/"

    def goods(self, number: str) -> str:
        """A waybill's or a piece label's; it opens the tracking page."""
        return f"{self.root}/t/{quote(number, safe='')}"

    def station(self, code: str) -> str:
        return f"{self.root}/epcis/station/{quote(code, safe='')}"

    def trip(self, ref: str) -> str:
        return f"{self.root}/epcis/trip/{quote(ref, safe='')}"

    def station_in(self, uri: str) -> str:
        """The code of one of our stations; empty for any other place."""
        return self._after(f"{self.root}/epcis/station/", uri)

    def goods_in(self, uri: str) -> str:
        """The number of our own name for goods; empty for any other."""
        return self._after(f"{self.root}/t/", uri)

    @staticmethod
    def _after(start: str, uri: str) -> str:
        rest = uri[len(start) :] if uri.startswith(start) else ""
        return unquote(rest) if "/" not in rest else ""


def number_in(uri: str) -> str:
    """The number in anybody's identifier: what comes last in it. Empty when nothing does."""
    consignment = _CONSIGNMENT.fullmatch(uri)
    if consignment:
        return unquote(consignment[1])
    return unquote(_LAST.split(uri.partition("?")[0].rstrip("/"))[-1]).strip()
