"""The contract of the hotline: the turns of a call, who takes it over, and the record."""

from collections.abc import Iterator, Mapping
from typing import Any

from zaitu.customers.events import ContactErased
from zaitu.hotline import selectors, services
from zaitu.hotline.domain.calls import (
    OUTCOME_TEXTS,
    VERIFIED_TEXTS,
    CallFigures,
    CallQuery,
    CallView,
    Outcome,
    Turn,
)
from zaitu.hotline.services import TOPIC, Converse
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house, rows_rewrite

__all__ = [
    "OUTCOME_TEXTS",
    "TOPIC",
    "VERIFIED_TEXTS",
    "CallFigures",
    "CallQuery",
    "CallView",
    "Converse",
    "Outcome",
    "Turn",
    "call_end",
    "call_take",
    "call_turn",
    "calls_close",
    "calls_figures",
    "calls_list",
    "calls_trim",
    "calls_waiting",
    "keys_rewrite",
    "on_contact_erased",
]


def call_turn(
    *,
    actor: Principal,
    door: str,
    call_id: str,
    caller: str = "",
    turn: int | None = None,
    converse: Converse,
) -> Mapping[str, Any]:
    """Answer one turn of a call and keep what it was; `converse` runs under the call's lock, in the same transaction.

    `turn`: numbered by the telephone system from 1, so that a repeated request is the same answer and nothing more; None: not
    numbered. Raises Forbidden, Invalid (call id), Conflict (a turn that is past).
    """
    actor.must(Right.CALLS_ANSWER)
    return services.call_turn(
        door=door, holder=_holder(actor), call_id=call_id, caller=caller, turn=turn, converse=converse
    )


def call_end(*, actor: Principal, door: str, call_id: str) -> bool:
    """Somebody has hung up; whether the call was running. Raises Forbidden."""
    actor.must(Right.CALLS_ANSWER)
    return services.call_end(door=door, holder=_holder(actor), call_id=call_id)


def _holder(actor: Principal) -> str:
    """Two call centres may number their calls alike."""
    return actor.partner or actor.name


def calls_list(*, actor: Principal, query: CallQuery, page: int = 1) -> Page[CallView]:
    """Newest first, 50 a page, numbers masked. Raises Forbidden."""
    _staff(actor)
    return selectors.calls(query, page)


def calls_figures(*, actor: Principal, query: CallQuery) -> CallFigures:
    """Raises Forbidden."""
    _staff(actor)
    return selectors.figures(query)


def calls_waiting(*, actor: Principal) -> list[CallView]:
    """Handed to a person in the last half hour and taken up by nobody, the oldest first, 20 at most. Raises Forbidden."""
    _staff(actor)
    return selectors.waiting()


def call_take(*, actor: Principal, call: int) -> None:
    """Say that one speaks with this caller. Raises Forbidden, NotFound, Conflict (a colleague was quicker)."""
    _staff(actor)
    services.call_take(call=selectors.call(call), username=actor.name)


def _staff(actor: Principal) -> None:
    if actor.kind not in (Who.STAFF, Who.SYSTEM):
        raise Forbidden("仅限本公司人员")
    actor.must(Right.CALLS_READ)


def calls_close(*, actor: Principal) -> int:
    """End calls that fell silent; how many. The system only."""
    must_be_the_house(actor)
    return services.calls_close()


def calls_trim(*, actor: Principal) -> tuple[int, int]:
    """(blanked, deleted) of what has passed its days (ZAITU_CALL_BLANK_DAYS, …_KEEP_DAYS). The system only."""
    must_be_the_house(actor)
    return services.calls_trim()


def on_contact_erased(event: ContactErased) -> None:
    """Blank the number of an erased person's calls. Runs again without effect."""
    services.person_forget(person=event.subject)


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write calls anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return rows_rewrite("hotline")
