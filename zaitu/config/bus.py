"""`zaitu bus`: the exchange for live news between this machine's processes."""

import asyncio
import contextlib
import signal

from zaitu.config.env import env
from zaitu.config.homes import Home
from zaitu.kernel.bus import BusServer


def run() -> None:
    asyncio.run(_serve())


async def _serve() -> None:
    home = Home(env().home)
    home.run_made()
    serving = asyncio.create_task(BusServer(home.socket("bus")).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
