"""The life of a ticket: a table of states, and the clock that its log of entries runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zaitu.kernel.errors import RuleBroken

PROMISE: Final = timedelta(hours=1)
"""A customer is answered within this time."""


class Kind(StrEnum):
    QUESTION = "question"
    REQUEST = "request"
    """Another time, address or receiver; changes nothing by itself."""
    COMPLAINT = "complaint"


KIND_TEXTS: Final = {Kind.QUESTION: "提问", Kind.REQUEST: "改约", Kind.COMPLAINT: "投诉"}


class State(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"
    REOPENED = "reopened"


STATE_TEXTS: Final = {
    State.OPEN: "待回复",
    State.ANSWERED: "已回复",
    State.CLOSED: "已关闭",
    State.REOPENED: "重新打开",
}


class What(StrEnum):
    """What an entry is; the first four move the ticket."""

    SAID = "said"
    """By the customer."""
    ANSWERED = "answered"
    CLOSED = "closed"
    REOPENED = "reopened"
    NOTED = "noted"
    """Between colleagues; the customer never sees it."""
    TAKEN = "taken"
    """Somebody looks after the conversation now."""


TABLE: Final = {
    (State.OPEN, What.SAID): State.OPEN,
    (State.OPEN, What.ANSWERED): State.ANSWERED,
    (State.OPEN, What.CLOSED): State.CLOSED,
    (State.ANSWERED, What.SAID): State.OPEN,
    (State.ANSWERED, What.ANSWERED): State.ANSWERED,
    (State.ANSWERED, What.CLOSED): State.CLOSED,
    (State.CLOSED, What.SAID): State.REOPENED,
    (State.CLOSED, What.ANSWERED): State.CLOSED,
    (State.CLOSED, What.REOPENED): State.REOPENED,
    (State.REOPENED, What.SAID): State.REOPENED,
    (State.REOPENED, What.ANSWERED): State.ANSWERED,
    (State.REOPENED, What.CLOSED): State.CLOSED,
}
"""What is not in it is refused. A word of ours after closing leaves it closed; one of the customer's opens it again."""

MOVES: Final = frozenset(what for _, what in TABLE)


def after(state: State, what: What) -> State:
    """Raises RuleBroken."""
    try:
        return TABLE[state, what]
    except KeyError:
        said = {What.CLOSED: "已经关闭", What.REOPENED: "没有关闭，不用重新打开"}
        raise RuleBroken(said.get(what, f"“{STATE_TEXTS[state]}”时不能这样做")) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry as the clock sees it."""

    what: What
    at: datetime
    """Aware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Once that a customer waited."""

    asked_at: datetime
    due_at: datetime
    answered_at: datetime

    @property
    def in_time(self) -> bool:
        return self.answered_at <= self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the log of a ticket comes to."""

    state: State
    waiting_since: datetime | None
    """Of the first word that nobody has answered; None: nobody waits."""
    due_at: datetime | None
    answers: tuple[Answer, ...]


Calendar = Callable[[datetime, timedelta], datetime]
"""When so much working time has passed since an instant."""


def around_the_clock(since: datetime, promised: timedelta) -> datetime:
    return since + promised


def standing(events: Iterable[Event], *, calendar: Calendar = around_the_clock) -> Standing:
    """The fold of a log, oldest first, as it was written. Closing ends the waiting without an answer.

    Raises RuleBroken for a step that the table refuses.
    """
    state, since, answers = State.OPEN, None, []
    for event in events:
        if event.what not in MOVES:
            continue
        state = after(state, event.what)
        if event.what is What.SAID:
            since = since or event.at
        elif event.what is What.ANSWERED and since is not None:
            due_at = calendar(since, PROMISE)
            answers.append(Answer(asked_at=since, due_at=due_at, answered_at=event.at))
            since = None
        elif event.what is What.CLOSED:
            since = None
    return Standing(
        state=state,
        waiting_since=since,
        due_at=None if since is None else calendar(since, PROMISE),
        answers=tuple(answers),
    )
