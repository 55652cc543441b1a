"""What people want to be told: kept by person, changed by them or for them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal
from zaitu.notify.channels.installed import usable
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.preferences import CHOICES, Preference, Topic, preference_checked, when
from zaitu.notify.domain.views import PreferenceView
from zaitu.notify.domain.ways import Urgency, ways_unpack
from zaitu.notify.models import ClosedWay, Message, PersonPreference

LINK: Final = "link"
"""Who changes them by the address in a message."""
_LOOKED_BACK: Final = 50
"""Messages from which we know by which ways a person can be told."""
USUAL: Final = Preference()
"""Of whoever has said nothing."""


def preference_get(person: str) -> PreferenceView:
    """Four queries at most."""
    row = PersonPreference.objects.filter(person=person).first()
    told = Message.objects.filter(person=person).order_by("-created_at").values_list("channel", "ways")
    known = {Channel(one) for one in row.channels} if row else set()
    for channel, ways in told[:_LOOKED_BACK]:
        known |= {Channel(channel), *(way.channel for way in ways_unpack(ways))}
    return PreferenceView(
        preference=_preference(row) if row else USUAL,
        channels=tuple(one for one in CHOICES if one in known and (one in usable() or one is Channel.EMAIL)),
        closed=tuple(
            Channel(one) for one in ClosedWay.objects.filter(person=person).values_list("channel", flat=True)
        ),
        changed_at=row.changed_at if row else None,
        by_staff=row is not None and row.changed_by != LINK,
    )


def way_at(person: str, channel: Channel, urgency: Urgency) -> datetime:
    """When this person may be told on this channel, from now on. One query."""
    preference = preferences_of([person]).get(person, USUAL)
    return when(preference, urgency=urgency, channel=channel, now=clock.local(clock.now())).at


def preferences_of(persons: Iterable[str]) -> Mapping[str, Preference]:
    """Of those who have said something. One query, none for nobody."""
    wanted = set(persons)
    rows = PersonPreference.objects.filter(person__in=wanted) if wanted else ()
    return {row.person: _preference(row) for row in rows}


@transaction.atomic
def preference_put(*, actor: Principal, person: str, wanted: Preference) -> Preference:
    """Raises Invalid naming every wrong field."""
    kept = preference_checked(wanted)
    PersonPreference.objects.update_or_create(
        person=person,
        defaults={
            "channels": [one.value for one in kept.channels],
            "quiet_from": kept.quiet_from,
            "quiet_until": kept.quiet_until,
            "digests": list(kept.digests),
            "off": sorted(one.value for one in kept.off),
            "language": kept.language,
            "changed_at": clock.now(),
            "changed_by": actor.name,
        },
    )
    audit(actor=actor, action="preference.put", subject=person, detail={"off": sorted(kept.off)})
    return kept


def _preference(row: PersonPreference) -> Preference:
    return Preference(
        channels=tuple(Channel(one) for one in row.channels),
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        digests=tuple(row.digests),
        off=frozenset(Topic(one) for one in row.off),
        language=row.language,
    )
