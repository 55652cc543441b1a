"""What WeCom allows a group's robot."""

from typing import Final

MINUTE: Final = 20
"""Messages a minute."""
MARKDOWN_BYTES: Final = 4096
