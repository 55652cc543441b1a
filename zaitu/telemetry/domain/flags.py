"""Bits stored with a position."""

from enum import IntFlag


class Flag(IntFlag):
    FIXED = 1
    """The receiver had a fix; without it the coordinates are absent."""
    ACC = 2
    """Ignition on."""
    BACKFILL = 4
    """From the terminal's memory (0x0704 type 1)."""
    CLOCK = 8
    """The terminal's time means nothing; `at` is when we received it."""
