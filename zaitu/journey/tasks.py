"""Timers of the journey."""

from typing import Final

from procrastinate.contrib.django import app

from zaitu.journey import public
from zaitu.kernel import clock
from zaitu.kernel.principal import system

_STARTED_AT: Final = clock.now()
"""The gateway starts with us; what trucks said before waits in their memory."""


@app.periodic(cron="* * * * * */30")
@app.task(queueing_lock="journey.eta_refresh", lock="journey.eta_refresh", pass_context=False)
def eta_refresh(timestamp: int) -> None:
    """New predictions for all running trips; every 30 seconds, one at a time."""
    public.eta_refresh(actor=system("journey.eta"), listening_since=_STARTED_AT)


@app.periodic(cron="1-59/5 * * * *")
@app.task(queueing_lock="journey.trips_missed", pass_context=False)
def trips_missed(timestamp: int) -> None:
    """Planned trips that nobody saw leave."""
    public.trips_missed(actor=system("journey.noshow"), listening_since=_STARTED_AT)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="journey.unloading_close", pass_context=False)
def unloading_close(timestamp: int) -> None:
    """Shortages where nobody said that unloading is over."""
    public.unloading_close(actor=system("journey.unloading"))
