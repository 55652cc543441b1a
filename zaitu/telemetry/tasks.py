"""Timers of telemetry."""

from procrastinate.contrib.django import app

from zaitu.kernel import clock
from zaitu.telemetry.adapters.partitions import partitions_ensure
from zaitu.telemetry.services.quarantine import quarantine_trim


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="telemetry.upkeep", pass_context=False)
def upkeep(timestamp: int) -> None:
    """Days' partitions are made ahead, also where no gateway runs; the quarantine is kept short. May run twice."""
    partitions_ensure(clock.now())
    quarantine_trim(clock.now())
