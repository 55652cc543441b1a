"""`zaitu jobs`: runs deferred jobs and timers (procrastinate)."""

import asyncio
import contextlib
from typing import Any, Final

import psycopg
from django.core.management.base import BaseCommand
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from zaitu.kernel import heartbeat, logs

_CONCURRENCY: Final = 4
_BEAT_S: Final = 2.0
_AGAIN_S: Final = 1.0

log = logs.logger("config.jobs")


class Command(BaseCommand):
    help = "运行定时任务与后台任务"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_work())


async def _work() -> None:
    """Work until SIGTERM (procrastinate hears it itself); a restart of the database is waited out."""
    working = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]  # Django's connector has it
    while True:
        try:
            async with working.open_async():
                beating = asyncio.create_task(_beat(working))
                try:
                    await working.run_worker_async(concurrency=_CONCURRENCY, delete_jobs="successful")
                finally:
                    beating.cancel()
        except (ConnectorException, psycopg.Error, OSError) as error:
            log.warning("the database does not answer; trying again", error=type(error).__name__)
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def _beat(working: Any) -> None:
    """Alive means: the database answers to this process."""
    while True:
        with contextlib.suppress(ConnectorException, psycopg.Error, OSError):
            await working.check_connection_async()
            heartbeat.beat("jobs")
        await asyncio.sleep(_BEAT_S)
