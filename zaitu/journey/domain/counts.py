"""How many pieces the scans of one action at one place say are there.

A scan names a piece by its label, or speaks of the whole waybill: a number that was counted, or none, which means all of it.
What was last said of the waybill replaces everything said before it, labels as well: a recount is a recount. Labels scanned since
then are taken to be among those counted, until there are more of them: the number never claims more than somebody has seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ALL: Final = -1
"""Every piece of the order, however many it has."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One scan of a waybill or of one of its pieces."""

    piece: int | None
    """Id of the piece on the label."""
    pieces: int | None
    """What was counted; None: one label, or all of the waybill."""


def pieces_seen(scans: Iterable[Seen]) -> int:
    """Pieces, or ALL, by the scans of one action at one place, oldest first."""
    said, labels = 0, set[int]()
    for scan in scans:
        if scan.piece is not None:
            labels.add(scan.piece)
        else:
            said, labels = ALL if scan.pieces is None else scan.pieces, set()
    return said if said == ALL else max(said, len(labels))


def seen_before(scans: Iterable[Seen], new: Seen) -> bool:
    """Whether a scan without a count says only what these scans, oldest first, say already."""
    whole, labels = False, set[int]()
    for scan in scans:
        if scan.piece is not None:
            labels.add(scan.piece)
        else:
            whole, labels = scan.pieces is None, set()
    return whole if new.piece is None else new.piece in labels


def of_total(found: int | None, total: int) -> int:
    """A count of `pieces_seen` (None: no scan) in pieces, for a shipment of `total`."""
    return total if found == ALL else found or 0
