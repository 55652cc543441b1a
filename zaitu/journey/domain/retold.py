"""What is left of a stop, a ride and a trip when words about them were taken back: what the words that stand say."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.views import LegState

ARRIVALS: Final = frozenset({Kind.STOP_ENTERED, Kind.ARRIVED})
LEAVINGS: Final = frozenset({Kind.STOP_LEFT, Kind.DEPARTED})
HANDLED: Final = frozenset({Kind.UNLOADED, Kind.INSPECTED})
"""Goods were taken off here, which no truck elsewhere lets them be."""
DELIVERED: Final = frozenset({Kind.OUT_FOR_DELIVERY, Kind.READY_FOR_PICKUP, Kind.SIGNED})
"""Told of the goods without a trip; they are off the truck all the same."""
_RANK: Final = {LegState.PLANNED: 0, LegState.ON_BOARD: 1, LegState.DONE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """An event about a trip, or about its goods."""

    kind: Kind
    at: datetime
    seq: int | None
    """The stop it speaks of; None: none of this trip's."""
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    arrived_at: datetime | None
    departed_at: datetime | None


def stop_times(known: Times, words: Collection[Word]) -> Times:
    """Times that only voided words told become those of the words that stand, or none. `words`: all about this stop.

    A time that no word told (an empty truck's, of whose goods nothing could be said) stays.
    """
    departed_at = known.departed_at
    if _taken_back(departed_at, LEAVINGS, words):
        departed_at = _earliest(LEAVINGS, words)
    arrived_at = known.arrived_at
    # Where nobody told the arrival the departure told it too.
    with_it = arrived_at == known.departed_at != departed_at and not _told(arrived_at, ARRIVALS, words)
    if with_it or _taken_back(arrived_at, ARRIVALS | HANDLED, words):
        arrived_at = _earliest(ARRIVALS | LEAVINGS, words) or _earliest(HANDLED, words)
    return Times(arrived_at=arrived_at, departed_at=departed_at)


def started_at(known: datetime | None, words: Collection[Word]) -> datetime | None:
    """When the trip began: its first departure, or its first arrival at another stop than the first."""
    begun = [word for word in words if word.kind in LEAVINGS or (word.kind in ARRIVALS and word.seq)]
    if not _taken_back(known, ARRIVALS | LEAVINGS, begun):
        return known
    return _earliest(ARRIVALS | LEAVINGS, begun)


def ride_state(
    state: LegState, *, from_seq: int, to_seq: int, words: Collection[Word], ended: bool
) -> LegState:
    """A ride goes back as far as nothing that stands speaks for it; never forwards. `words`: all about these goods.

    `ended`: a person ended the trip, and with it the ride.
    """
    if state not in _RANK:
        return state
    standing = [word for word in words if not word.voided]
    road = [word for word in standing if word.kind in ARRIVALS | LEAVINGS and word.seq is not None]
    begun = min((word.at for word in road), default=None)
    rode = any(
        from_seq <= (word.seq or 0) < to_seq and (word.seq != from_seq or word.kind in LEAVINGS)
        for word in road
    )
    off = ended or any(
        (word.kind in ARRIVALS and word.seq == to_seq)
        or (word.kind in HANDLED and word.seq != from_seq)
        or (word.kind in DELIVERED and (begun is None or word.at >= begun))
        for word in standing
    )
    told = LegState.DONE if off else LegState.ON_BOARD if rode else LegState.PLANNED
    return min(state, told, key=lambda one: _RANK[one])


def _told(at: datetime | None, kinds: Collection[Kind], words: Iterable[Word]) -> bool:
    return any(word.at == at and word.kind in kinds for word in words)


def _taken_back(at: datetime | None, kinds: Collection[Kind], words: Collection[Word]) -> bool:
    """Whether every word that told this time was voided."""
    told = [word.voided for word in words if word.at == at and word.kind in kinds]
    return bool(told) and all(told)


def _earliest(kinds: Collection[Kind], words: Iterable[Word]) -> datetime | None:
    return min((word.at for word in words if word.kind in kinds and not word.voided), default=None)
