"""Questions by channel: how many, what became of them, and how long the answer took."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from zaitu.kernel.errors import NotFound, ZaituError
from zaitu.kernel.metrics import counter, histogram

PAGE: Final = "page"
API: Final = "api"
HOTLINE: Final = "hotline"

ANSWERED: Final = "answered"
"""By the house itself."""
UNKNOWN: Final = "unknown"
"""No such number, or not for who asks."""
REFUSED: Final = "refused"
"""A limit was reached, or the house could not answer."""
PERSON: Final = "person"
"""Handed to a person."""

_QUESTIONS: Final = counter(
    "questions", "Questions about a shipment, by what became of them", ("channel", "outcome")
)
_ANSWER_S: Final = histogram("question_answer_s", "Seconds from a question to its answer", ("channel",))


def outcome_of(error: ZaituError) -> str:
    """What became of a question that ended so."""
    return UNKNOWN if isinstance(error, NotFound) else REFUSED


def asked(channel: str, outcome: str, seconds: float) -> None:
    """One question; `seconds` is measured for those that were answered."""
    _QUESTIONS.labels(channel, outcome).inc()
    if outcome == ANSWERED:
        _ANSWER_S.labels(channel).observe(seconds)


def counted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that answers a question; the part that an open page fetches again is none, nobody has asked anew."""

    @wraps(view)
    def timed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        began = time.monotonic()
        again = request.GET.get("part") == "live"
        try:
            answer = view(request, *args, **kwargs)
        except ZaituError as error:
            if not again:
                asked(PAGE, outcome_of(error), 0)
            raise
        if not again:
            became = {404: UNKNOWN, 422: UNKNOWN, 429: REFUSED}.get(answer.status_code, ANSWERED)
            asked(PAGE, became, time.monotonic() - began)
        return answer

    return timed


class Warm:
    """Answers so quick that counting each would cost as much as giving it: counted as a number, told now and then.

    For one thread. Their time is below the histogram's first bound, so they go into its first bucket.
    """

    def __init__(self, channel: str) -> None:
        self.count = 0
        self._questions = _QUESTIONS.labels(channel, ANSWERED)
        self._bucket = _ANSWER_S.labels(channel)._buckets[0]  # noqa: SLF001  it takes one observation at a time only

    def tell(self) -> None:
        count, self.count = self.count, 0
        if count:
            self._questions.inc(count)
            self._bucket.inc(count)
