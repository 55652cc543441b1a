"""What an electronic lock has told, whatever of its languages it used."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from zaitu.telemetry.codecs.fix import Fix


class ElockError(Exception):
    """A frame cannot be read. `code` is stable: it is printed by `zaitu decode elock`.

    not_elock, bad_length, bad_digits, bad_text, short_text; and those of framing.FrameError for frames on the 808 wire
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    form: str
    """`binary` ($), `text` (brackets), `jt808` (7e)."""
    kind: str
    """`position`, `event`, `sensor`, `heartbeat`, `time`, `password`, `reply`, `message`."""
    device: str
    """The lock's number without leading zeros."""
    index: int | None = None
    """What an acknowledgement has to name; None: none is wanted, or it names nothing."""
    fixes: tuple[Fix, ...] = ()
    backfill: bool = False
    """Stored while there was no network."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Other values by name; docs/elock-decode.md lists them."""
    reply: bytes | None = None
    """The acknowledgement, for `answer_of`."""
    time_format: str = ""
    """strftime: the lock wants to know the time, where the reply says TIME."""


def answer_of(report: Report, now: datetime) -> bytes | None:
    """What to send when the report is stored; None: the lock waits for nothing. `now` is aware."""
    if report.reply is None or not report.time_format:
        return report.reply
    return report.reply.replace(b"TIME", now.astimezone(UTC).strftime(report.time_format).encode("ascii"))
