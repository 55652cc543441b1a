"""Which vehicle a terminal is in, over time: moving it ends the stay before; stays never overlap."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zaitu.kernel.errors import Conflict, Invalid
from zaitu.network.domain.moments import moment_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A terminal in one vehicle from `from_at` until before `to_at` (None: still there). Aware instants."""

    plate: str
    from_at: datetime
    to_at: datetime | None = None
    id: int | None = None
    """Row id; None: not stored yet."""

    def overlaps(self, other: "Stay") -> bool:
        return (other.to_at is None or self.from_at < other.to_at) and (
            self.to_at is None or other.from_at < self.to_at
        )


def stay_added(stays: Sequence[Stay], new: Stay) -> tuple[Stay, ...]:
    """The stays of one terminal with one more among them.

    An open stay that began earlier ends where the new one begins. A stay that is known already changes nothing,
    and one that brings the end of an open stay ends it. Raises Invalid for a stay that ends before it begins,
    Conflict when it overlaps another.
    """
    if new.to_at is not None and new.to_at <= new.from_at:
        raise Invalid("拆下时间须晚于装上时间", fields={"to_at": "拆下时间须晚于装上时间"})
    if any(_says_it_already(stay, new) for stay in stays):
        return tuple(stays)
    if any(stay.to_at is None and (stay.plate, stay.from_at) == (new.plate, new.from_at) for stay in stays):
        return tuple(replace(stay, to_at=new.to_at) if stay.to_at is None else stay for stay in stays)
    moved = tuple(
        replace(stay, to_at=new.from_at) if stay.to_at is None and stay.from_at < new.from_at else stay
        for stay in stays
    )
    clash = next((stay for stay in moved if stay.overlaps(new)), None)
    if clash is not None:
        raise Conflict(_clash_text(clash))
    return (*moved, new)


def stay_ended(stays: Sequence[Stay], at: datetime) -> tuple[Stay, ...]:
    """The same stays, the open one ended. Raises Conflict when there is none, or it began later than `at`."""
    open_stay = next((stay for stay in stays if stay.to_at is None), None)
    if open_stay is None:
        raise Conflict("该终端现在没有装在任何车上")
    if at <= open_stay.from_at:
        raise Conflict(f"该终端 {moment_text(open_stay.from_at)} 才装上 {open_stay.plate}，拆下时间须更晚")
    return tuple(replace(stay, to_at=at) if stay is open_stay else stay for stay in stays)


def _says_it_already(stay: Stay, new: Stay) -> bool:
    """Known to the minute, or bound once more to the vehicle it is in."""
    if stay.plate != new.plate or stay.to_at != new.to_at:
        return False
    return stay.from_at == new.from_at or (stay.to_at is None and stay.from_at <= new.from_at)


def _clash_text(clash: Stay) -> str:
    until = f"到 {moment_text(clash.to_at)}" if clash.to_at else "起"
    return f"该终端 {moment_text(clash.from_at)} {until}已装在 {clash.plate}，时间不能重叠"
