"""Timers of telemetry."""

from procrastinate.contrib.django import app

from zaitu.kernel import clock
from zaitu.telemetry.adapters.partitions import partitions_ensure
from zaitu.telemetry.services.archive import positions_archive, positions_forget
from zaitu.telemetry.services.commands import commands_expire, commands_trim
from zaitu.telemetry.services.media import media_forget
from zaitu.telemetry.services.quarantine import quarantine_trim
from zaitu.telemetry.services.uplinks import reports_forget


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="telemetry.upkeep", pass_context=False)
def upkeep(timestamp: int) -> None:
    """Partitions are made ahead, also where no gateway runs; the quarantine and old commands are kept short. May run twice."""
    partitions_ensure(clock.now())
    quarantine_trim(clock.now())
    commands_expire(now=clock.now())
    commands_trim(clock.now())


@app.periodic(cron="40 18 * * *")
@app.task(queueing_lock="telemetry.archive", pass_context=False)
def archive(timestamp: int) -> None:
    """At 2:40 Chinese time old positions go into files, and the oldest away. May run twice."""
    positions_archive(clock.now())
    positions_forget(clock.now())
    media_forget(clock.now())
    reports_forget(clock.now())
