"""Timers of notify."""

from procrastinate.contrib.django import app

from zaitu.kernel.principal import system
from zaitu.notify import public


@app.periodic(cron="23 * * * *")
@app.task(queueing_lock="notify.messages_trim", lock="notify.messages_trim", pass_context=False)
def messages_trim(timestamp: int) -> None:
    """Old messages are blanked, older ones deleted. May run twice."""
    public.messages_trim(actor=system("notify.trim"))
