"""Timers of the kernel."""

from procrastinate.contrib.django import app

from zaitu.kernel import limits


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="kernel.attempts_forget", pass_context=False)
def attempts_forget(timestamp: int) -> None:
    """Delete counted attempts whose window is over."""
    limits.forget_old()
