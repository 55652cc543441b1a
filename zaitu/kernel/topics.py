"""Topics of MQTT as the setting writes them: `sensors/{device}/up`, with `+` and `#` as MQTT has them."""

from dataclasses import dataclass
from typing import Final, Self

DEVICE: Final = "{device}"
"""Stands for the level that names the device; without it the payload must."""
_BYTES_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Topic:
    levels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is wrong."""
        levels = tuple(text.strip().split("/"))
        if not text.strip() or len(text.encode()) > _BYTES_MAX:
            raise ValueError("a topic is empty or too long")
        if levels.count(DEVICE) > 1:
            raise ValueError(f"{text}: {DEVICE} may stand once")
        for number, level in enumerate(levels):
            if level == "#" and number < len(levels) - 1:
                raise ValueError(f"{text}: # may only stand at the end")
            if level not in {"#", "+", DEVICE} and set(level) & set("#+{}"):
                raise ValueError(f"{text}: + and {DEVICE} stand for whole levels")
        return cls(levels)

    @property
    def filter(self) -> str:
        """As the broker is asked."""
        return "/".join("+" if level == DEVICE else level for level in self.levels)

    def device(self, topic: str) -> str:
        """The device that a message's topic names; empty: none, or the topic is another."""
        there = topic.split("/")
        open_ended = self.levels[-1] == "#"
        if (open_ended and len(there) < len(self.levels) - 1) or (
            not open_ended and len(there) != len(self.levels)
        ):
            return ""
        found = ""
        for level, named in zip(self.levels, there, strict=False):
            if level == DEVICE:
                found = named
            elif level not in {"+", "#", named}:
                return ""
        return found
