"""What Feishu allows a group's robot."""

from typing import Final

MINUTE: Final = 100
SECOND: Final = 5
BODY_BYTES: Final = 20_000
