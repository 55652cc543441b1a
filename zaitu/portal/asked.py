"""Questions by channel: how many, what became of them, and how long the answer took."""

from typing import Final

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


def asked(channel: str, outcome: str, seconds: float) -> None:
    """One question; `seconds` is measured for those that were answered."""
    _QUESTIONS.labels(channel, outcome).inc()
    if outcome == ANSWERED:
        _ANSWER_S.labels(channel).observe(seconds)


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
