"""Events → state. The same events give the same state in whatever order they came in.

The fold walks the events in the order they happened and keeps two tracks: the *open* one, as if nothing had ended, and the pieces
that were *settled* (signed, returned, closed). Once all pieces are settled the shipment is final and the open track no longer
shows; a recorded correction (`reopened`) forgets what was settled before it and the open track shows again. So a late `departed`
after `signed` changes nothing, and a reopened shipment stands where its other events put it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from zaitu.journey.domain.actions import (
    ENDING_TABLE,
    HANDLED,
    ORDER_IN_A_MOMENT,
    SIGNED_DETAILS,
    TABLE,
    Kind,
    Place,
)
from zaitu.journey.domain.problems import PROBLEMS, Problem
from zaitu.journey.domain.statuses import Detail, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldEvent:
    id: int
    """Names the event; its size means nothing to the fold."""
    kind: Kind
    source: str
    key: str
    at: datetime
    station: str = ""
    piece: str = ""
    pieces: int | None = None
    raw_code: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    idle: bool = False
    target: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the shipment is, apart from what happened to it."""

    origin: str
    destination: str
    pieces: int
    ordered_at: datetime

    def place(self, station: str) -> Place:
        if not station:
            return Place.UNKNOWN
        if station == self.destination:
            return Place.DESTINATION
        return Place.ORIGIN if station == self.origin else Place.ON_THE_WAY


@dataclass(frozen=True, slots=True)
class Node:
    """A step of the journey as people see it: an event that changed something."""

    event: FoldEvent
    status: Status
    detail: Detail
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class PieceState:
    kind: Kind
    station: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    status: Status
    detail: Detail
    at: datetime
    """When it came to this status."""
    station: str
    final: bool
    signed_at: datetime | None
    signed_pieces: int
    exception: dict[str, Any] | None
    """The overlay people see: the worst of those open."""
    problems: frozenset[str]
    """Codes of all open overlays."""
    nodes: tuple[Node, ...]
    pieces: dict[str, PieceState]
    """By label, where a piece was told of by itself since the last word about all of them."""
    whole: PieceState | None
    """What was last told of all pieces: it holds for each that is not in `pieces`."""
    effective: frozenset[int]
    """Ids of the events that were neither repeats nor voided."""
    settling: frozenset[int]
    """Ids of the events by which pieces came to an end, and which no correction has taken back."""


def fold(frame: Frame, events: Iterable[FoldEvent]) -> State:
    """The state after these events, given in any order and with repeats."""
    walk = _Walk(frame)
    for event in _effective(events):
        walk.step(event)
    return walk.state()


def _effective(events: Iterable[FoldEvent]) -> list[FoldEvent]:
    """In the order they happened, without repeats, voided ones and the voidings themselves."""
    ordered = sorted(
        events, key=lambda event: (event.at, ORDER_IN_A_MOMENT[event.kind], event.source, event.key)
    )
    voided = {event.target for event in ordered if event.kind is Kind.VOIDED}
    keys: set[tuple[str, str]] = set()
    told: set[tuple[Any, ...]] = set()
    kept = []
    for event in ordered:
        once = (event.source, event.kind, event.raw_code, event.at, event.station, event.piece, event.target)
        if (event.source, event.key) in keys or once in told:
            continue
        keys.add((event.source, event.key))
        told.add(once)
        if event.kind is not Kind.VOIDED and event.id not in voided:
            kept.append(event)
    return kept


class _Settled:
    """Pieces that have come to an end, by how they ended."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.labels: dict[str, Kind] = {}
        self.counted: dict[Kind, int] = {}
        self.detail: Detail | None = None
        self.signed_at: datetime | None = None
        self.at: datetime | None = None
        self.ids: set[int] = set()

    def add(self, event: FoldEvent) -> bool:
        """True when the event settles something that was not settled."""
        left = self.total - self.pieces
        if left <= 0 or event.piece in self.labels:
            return False
        if event.piece:
            self.labels[event.piece] = event.kind
        else:
            count = left if event.pieces is None else min(event.pieces, left)
            self.counted[event.kind] = self.counted.get(event.kind, 0) + count
        self.at = event.at
        self.ids.add(event.id)
        if event.kind is Kind.SIGNED:
            self.signed_at = event.at
            self.detail = _signed_detail(event)
        return True

    @property
    def pieces(self) -> int:
        return len(self.labels) + sum(self.counted.values())

    def of(self, kind: Kind) -> int:
        return sum(1 for ended in self.labels.values() if ended is kind) + self.counted.get(kind, 0)

    @property
    def complete(self) -> bool:
        return self.pieces >= self.total

    def ending(self) -> tuple[Status, Detail]:
        """One signed piece makes it signed; else returned before closed."""
        signed = self.of(Kind.SIGNED)
        if signed:
            whole = signed >= self.total
            return Status.SIGNED, (self.detail or Detail.CONSIGNEE) if whole else Detail.PART
        kind = next(kind for kind in ENDING_TABLE if self.of(kind))
        return ENDING_TABLE[kind]


def _signed_detail(event: FoldEvent) -> Detail:
    said = event.data.get("detail")
    return Detail(said) if said in SIGNED_DETAILS else Detail.CONSIGNEE


class _Walk:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.status, self.detail = Status.ORDERED, Detail.ACCEPTED
        self.at = frame.ordered_at
        self.station = ""
        self.settled = _Settled(frame.pieces)
        self.reopened_at: datetime | None = None
        self.open_problems: dict[Problem, dict[str, Any]] = {}
        self.nodes: list[Node] = []
        self.pieces: dict[str, PieceState] = {}
        self.whole: PieceState | None = None
        self.seen: set[int] = set()
        self.called: set[tuple[str, bool]] = set()
        """Stops on the way that it has reached (False) and left (True)."""

    def step(self, event: FoldEvent) -> None:
        self.seen.add(event.id)
        before = self.shown()
        ended = self.settled.complete
        problem, changed = self._problems(event, ended=ended)
        settled = self._settle(event)
        changed = settled or changed
        if event.kind is Kind.REOPENED:
            self.settled = _Settled(self.frame.pieces)
            self.reopened_at = event.at
        self._move(event)
        if (settled or event.kind not in ENDING_TABLE) and (not ended or event.kind is Kind.REOPENED):
            self._remember(event)
        passed = self._passes(event)
        if changed or self.shown() != before or event.kind in _ALWAYS_SHOWN or (passed and not ended):
            self.nodes.append(Node(event, *self.shown()[:2], problem))

    def shown(self) -> tuple[Status, Detail, str]:
        """Status, detail, and the station where that makes a difference."""
        if self.settled.complete or self.settled.of(Kind.SIGNED):
            return *self.settled.ending(), ""
        return self.status, self.detail, self.station if self.status is Status.AT_STOP else ""

    def _settle(self, event: FoldEvent) -> bool:
        if event.kind not in ENDING_TABLE or event.idle:
            return False
        # "Cancelled before pick-up" is what the status means; goods already in our hands can only be intercepted.
        if event.kind is Kind.CANCELLED and self.status is not Status.ORDERED:
            return False
        return self.settled.add(event)

    def _move(self, event: FoldEvent) -> None:
        place = self.frame.place(event.station)
        move = TABLE.get((event.kind, place))
        if move is None or not move.allowed(self.status, self.detail):
            return
        moved = (move.status, move.detail) != (self.status, self.detail)
        elsewhere = move.status is Status.AT_STOP and event.station != self.station
        if moved or elsewhere:
            self.at = event.at
        self.status, self.detail = move.status, move.detail
        if event.station:
            self.station = event.station

    def _passes(self, event: FoldEvent) -> bool:
        """Whether it reaches or leaves a stop on the way while it is `arriving_soon`.

        That status stays, but the stop was passed: people see it, once, whoever tells it.
        """
        if event.kind not in _CALLING or self.frame.place(event.station) is not Place.ON_THE_WAY:
            return False
        step = (event.station, event.kind in LEAVING)
        new = step not in self.called
        self.called.add(step)
        return new and self.status is Status.ARRIVING_SOON

    def _remember(self, event: FoldEvent) -> None:
        if event.station and event.kind in _LOCATING:
            self.station = event.station
        state = PieceState(event.kind, event.station, event.at)
        if event.piece:
            self.pieces[event.piece] = state
        elif event.kind in HANDLED and self._of_all(event):
            self.whole = state
            # A piece that came to an end by its own label is past what is told of the rest.
            self.pieces = {label: one for label, one in self.pieces.items() if label in self.settled.labels}

    def _of_all(self, event: FoldEvent) -> bool:
        """A smaller count does not say which pieces, unless with it the last of them have come to an end."""
        counted = self.frame.pieces if event.pieces is None else event.pieces
        return counted >= self.frame.pieces or (event.kind in ENDING_TABLE and self.settled.complete)

    def _problems(self, event: FoldEvent, *, ended: bool) -> tuple[Problem | None, bool]:
        """Raise, solve or outgrow overlays; the problem the event speaks of, and whether it changed anything."""
        raised = _raised(event)
        if raised is not None:
            if ended and not PROBLEMS[raised].outlives_end:
                return None, False
            new = raised not in self.open_problems
            self.open_problems[raised] = _overlay(raised, event)
            return raised, new
        if event.kind is Kind.PROBLEM_SOLVED:
            return self._solved(event)
        for problem in [known for known in self.open_problems if event.kind in PROBLEMS[known].ends_with]:
            if not event.idle:
                del self.open_problems[problem]
        return None, False

    def _solved(self, event: FoldEvent) -> tuple[Problem | None, bool]:
        named = event.data.get("code")
        solved = [known for known in self.open_problems if named in (None, "", known.value)]
        for problem in solved:
            del self.open_problems[problem]
        return (solved[0] if solved else None), bool(solved)

    def state(self) -> State:
        status, detail, _ = self.shown()
        ended = self.settled.complete
        settled_at = self.settled.at if self.settled.pieces and status in _ENDED else None
        return State(
            status=status,
            detail=detail,
            at=settled_at or max(self.at, self.reopened_at or self.at),
            station=self.station,
            final=ended,
            signed_at=self.settled.signed_at,
            signed_pieces=self.settled.of(Kind.SIGNED),
            exception=self._worst(ended=ended),
            problems=frozenset(problem.value for problem in self.open_problems),
            nodes=tuple(self.nodes),
            pieces=self.pieces,
            whole=self.whole,
            effective=frozenset(self.seen),
            settling=frozenset(self.settled.ids),
        )

    def _worst(self, *, ended: bool) -> dict[str, Any] | None:
        shown = [
            overlay
            for problem, overlay in self.open_problems.items()
            if not ended or PROBLEMS[problem].outlives_end
        ]
        # Level 1 before level 2, then the newest; the code decides between two of one instant.
        shown.sort(key=lambda overlay: overlay["code"])
        shown.sort(key=lambda overlay: overlay["since"], reverse=True)
        shown.sort(key=lambda overlay: overlay["level"])
        return shown[0] if shown else None


_ENDED = frozenset({Status.SIGNED, Status.RETURNED, Status.CLOSED})
_ALWAYS_SHOWN = frozenset({Kind.ORDERED, Kind.FORWARDED, Kind.SPLIT, Kind.REOPENED})
LEAVING: Final = frozenset({Kind.DEPARTED, Kind.STOP_LEFT})
_CALLING = LEAVING | {Kind.ARRIVED, Kind.STOP_ENTERED}
_LOCATING = frozenset(
    {
        Kind.COLLECTED,
        Kind.INBOUND,
        Kind.SORTED,
        Kind.RECHECKED,
        Kind.LOADED,
        Kind.UNLOADED,
        Kind.INSPECTED,
        Kind.ARRIVED,
        Kind.STOP_ENTERED,
        Kind.DEPARTED,
        Kind.STOP_LEFT,
        Kind.READY_FOR_PICKUP,
        Kind.SIGNED,
    }
)

_RAISED_BY_KIND = {Kind.REFUSED: Problem.REFUSED, Kind.ATTEMPT_FAILED: Problem.ATTEMPT_FAILED}
_PROBLEM_CODES = {problem.value for problem in Problem}


def _raised(event: FoldEvent) -> Problem | None:
    """The problem an event raises; a code we do not know is `other`, never dropped."""
    code = event.data.get("code")
    if event.kind is Kind.PROBLEM:
        return Problem(code) if code in _PROBLEM_CODES else Problem.OTHER
    if event.kind is Kind.ATTEMPT_FAILED and code in _PROBLEM_CODES:
        return Problem(code)
    return _RAISED_BY_KIND.get(event.kind)


def _overlay(problem: Problem, event: FoldEvent) -> dict[str, Any]:
    kind = PROBLEMS[problem]
    return {
        "code": problem.value,
        "level": kind.level,
        "cause": str(event.data.get("cause", "")),
        "party": str(event.data.get("party", kind.party.value)),
        "action_required": kind.action_required,
        "plan": str(event.data.get("plan", "")),
        "eta_delta": event.data.get("eta_delta"),
        "since": event.at.isoformat(),
    }
