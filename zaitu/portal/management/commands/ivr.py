"""`zaitu ivr`: answer an Asterisk by FastAGI, until SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zaitu.kernel import heartbeat
from zaitu.portal.ivr.agi_server import AgiServer

_BEAT_S = 1.0


class Command(BaseCommand):
    help = "回答 Asterisk（FastAGI）：热线自助查询"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ZAITU_IVR_AGI_PORT:
            raise CommandError("没有设置 ZAITU_IVR_AGI_PORT")
        asyncio.run(_serve())


async def _serve() -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    server = AgiServer(
        host=settings.ZAITU_IVR_AGI_HOST, port=settings.ZAITU_IVR_AGI_PORT, say=settings.ZAITU_IVR_AGI_SAY
    )
    try:
        await server.start()
    except OSError as error:
        raise CommandError(f"端口 {settings.ZAITU_IVR_AGI_PORT} 不可用（{error.strerror}）") from None
    try:
        while not stop.is_set():
            heartbeat.beat("ivr")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_S)
    finally:
        await server.stop()
