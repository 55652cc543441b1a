"""Timers of the hotline."""

from procrastinate.contrib.django import app

from zaitu.hotline import public
from zaitu.kernel.principal import system


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="hotline.calls_close", lock="hotline.calls_close", pass_context=False)
def calls_close(timestamp: int) -> None:
    """Calls of which nothing is heard any more are over. May run twice."""
    public.calls_close(actor=system("hotline.close"))


@app.periodic(cron="41 * * * *")
@app.task(queueing_lock="hotline.calls_trim", lock="hotline.calls_trim", pass_context=False)
def calls_trim(timestamp: int) -> None:
    """Old calls lose their number, older ones are deleted. May run twice."""
    public.calls_trim(actor=system("hotline.trim"))
