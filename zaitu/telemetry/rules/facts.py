"""What the rules can find."""

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """Of a fact; stored in flight only, never in a table. What its numbers `a` and `b` mean stands beside each."""

    STOP_ENTERED = 1
    """a: the stop's number."""
    STOP_LEFT = 2
    """a: the stop's number, b: when it was entered, microseconds since 1970."""
    OFF_ROUTE = 3
    """a: metres beside the road, b: metres along it."""
    BACK_ON_ROUTE = 4
    """a: metres beside the road at most, b: metres along it."""
    STOPPED_TOO_LONG = 5
    """a: seconds it has stood, b: metres along the road."""
    MOVING_AGAIN = 6
    """a: seconds it stood, b: metres along the road."""
    MOVED_WHILE_STANDING = 7
    """a: number of the stop it should not have left (NaN: none), b: speed in km/h."""
    OVERSPEED = 8
    """a: top speed so far, b: the limit, km/h."""
    OVERSPEED_OVER = 9
    """a: top speed in km/h, b: the limit."""
    SIGNAL_LOST = 10
    """a: seconds of silence."""
    SIGNAL_BACK = 11
    """a: seconds of silence."""
    LOCK = 12
    """a: one bit of codecs.locks.LockEvent, b: 1 when it is an alarm."""
    LOCK_LEFT_OPEN = 13
    """a: seconds it has been open where it may not."""
    BAND_LEFT = 14
    """a: number of the band among the watch's, b: the value."""
    BAND_BACK = 15
    """a: number of the band, b: the value that was farthest outside."""
    SHOCK = 16
    """a: g, b: the limit."""
    POWER_LOW = 17
    """a: bits of rules.power.Cause, b: battery per cent."""
    POWER_BACK = 18
    """a: what the cause had been, b: battery per cent."""
    CLOCK_WRONG = 19
    """a: reports in a row with a time that means nothing."""
    CLOCK_RIGHT = 20
    """a: reports in a row with a good time."""
    ALARM_RAISED = 21
    """a: the alarm bit, b: 1 when it is an edge and will not be cleared."""
    ALARM_CLEARED = 22
    """a: the alarm bit."""


NAN = float("nan")


class Fact(NamedTuple):
    kind: Kind
    at_s: float
    """When it began or happened."""
    a: float = NAN
    b: float = NAN
