"""`zaitu bus`: the exchange for live news between this machine's processes. Needs neither settings nor a database."""

import asyncio
import contextlib
import signal
from typing import Any

from django.core.management.base import BaseCommand

from zaitu.config.env import env
from zaitu.config.homes import Home
from zaitu.kernel.bus import BusServer


class Command(BaseCommand):
    help = "运行本机各进程之间的消息总线"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_serve())


async def _serve() -> None:
    home = Home(env().home)
    home.run_made()
    serving = asyncio.create_task(BusServer(home.socket("bus")).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
