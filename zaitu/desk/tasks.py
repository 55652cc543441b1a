"""Timers of the desk."""

from procrastinate.contrib.django import app

from zaitu.desk import public
from zaitu.kernel.principal import system


@app.periodic(cron="37 3 * * *")
@app.task(queueing_lock="desk.talks_trim", lock="desk.talks_trim", pass_context=False)
def talks_trim(timestamp: int) -> None:
    """Old conversations are blanked, older ones deleted. May run twice."""
    public.talks_trim(actor=system("desk.trim"))
