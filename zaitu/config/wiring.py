"""Who hears what: events of a room → handlers of *higher* rooms, in the order they are called.

Delivery is at least once; every handler may run twice and says so in its docstring.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from zaitu.kernel.events import Event

SUBSCRIPTIONS: Final[Mapping[type[Event], Sequence[Callable[[Any], None]]]] = {}
