"""Who hears what: events of a room → handlers of *higher* rooms, in the order they are called.

Delivery is at least once; every handler may run twice and says so in its docstring.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from zaitu.customers.events import ContactErased
from zaitu.desk import public as desk
from zaitu.hotline import public as hotline
from zaitu.journey import public as journey
from zaitu.kernel.events import Event
from zaitu.notify import public as notify
from zaitu.telemetry.events import StopEntered, StopLeft

SUBSCRIPTIONS: Final[Mapping[type[Event], Sequence[Callable[[Any], None]]]] = {
    StopEntered: (journey.on_stop_entered,),
    StopLeft: (journey.on_stop_left,),
    ContactErased: (
        journey.on_contact_erased,
        notify.on_contact_erased,
        desk.on_contact_erased,
        hotline.on_contact_erased,
    ),
}
