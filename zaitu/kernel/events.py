"""What an event between rooms is: a small, immutable, serialisable fact.

Events hold references (waybills, ids), never names, phones or addresses: erasing a person leaves the record whole.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

REGISTRY: dict[str, type["Event"]] = {}
"""Event name → class, filled as rooms define their events; the relay reads rows back with it."""


class Event(BaseModel):
    """Subclass with `name` ("room.fact") and fields; say in `subject` whose order must be kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.name:
            if cls.name in REGISTRY and REGISTRY[cls.name].__qualname__ != cls.__qualname__:
                raise TypeError(f"two events are called {cls.name}")
            REGISTRY[cls.name] = cls

    @property
    def subject(self) -> str:
        """Events of one subject are handled in the order they were put; at most 100 characters."""
        raise NotImplementedError
