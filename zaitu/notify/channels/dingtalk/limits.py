"""What DingTalk allows a group's robot."""

from typing import Final

MINUTE: Final = 20
"""Messages a minute; whoever sends more is silent for `BLOCKED_S`."""
BLOCKED_S: Final = 600
BODY_BYTES: Final = 20_000
