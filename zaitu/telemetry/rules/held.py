"""A condition that counts when it has held for a while, and is over when its contrary has.

Raised: the condition was true in every sample for at least `after_s`, counted from the first of them. Over: the contrary was true in
every sample for at least `back_s`. A sample that is neither (between two thresholds) breaks both. Samples further apart than `gap_s`
say nothing about the time between them: counting begins anew with the later one.
"""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Held:
    after_s: float
    back_s: float
    gap_s: float
    raised: bool = False
    since_s: float | None = None
    """First sample of the run that would change `raised`; None: there is none."""
    last_s: float = 0.0
    """Newest of the run."""

    def step(self, at_s: float, *, over: bool, under: bool) -> float | None:
        """A sample; when this changes `raised`, since when."""
        if not (under if self.raised else over):
            self.since_s = None
            return None
        if self.since_s is None or at_s - self.last_s > self.gap_s:
            self.since_s = at_s
        self.last_s = at_s
        if at_s - self.since_s < (self.back_s if self.raised else self.after_s):
            return None
        since_s, self.since_s = self.since_s, None
        self.raised = not self.raised
        return since_s

    def begins(self, at_s: float, changed_s: float | None) -> bool:
        """The sample just taken is the first of its run; what was worst before it does not belong to it."""
        if changed_s is not None:
            return self.raised and changed_s == at_s
        return not self.raised and self.since_s in {None, at_s}
