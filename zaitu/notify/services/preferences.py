"""What people want to be told: kept by person, changed by them or for them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.principal import Principal
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.preferences import Preference, Topic, preference_checked, when
from zaitu.notify.domain.ways import Urgency
from zaitu.notify.models import PersonPreference

USUAL: Final = Preference()
"""Of whoever has said nothing."""


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
