"""`zaitu ingest`: take ticks from the stream and store them, until SIGTERM or SIGINT. As many of them as wished."""

import asyncio
import gc
import signal
from typing import Any, Final

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zaitu.kernel import clock, heartbeat
from zaitu.kernel.bus import BusClient
from zaitu.telemetry.domain.stream import Unusable
from zaitu.telemetry.gateway.warm import kernels_warm
from zaitu.telemetry.services.sinks import stream_setup
from zaitu.telemetry.services.streams import Ingest

_PART: Final = "ingest"


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Store the positions that gateways put into the stream (ZAITU_NATS_URL)."

    def handle(self, **_: Any) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(_serve())
            except Unusable as error:
                raise CommandError(str(error)) from error


async def _serve() -> None:
    setup = stream_setup()
    if setup is None:
        raise CommandError("ZAITU_NATS_URL is not set: the gateway stores what it hears by itself")
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    kernels_warm(clock.now(), engine=True)
    gc.freeze()
    beating = asyncio.create_task(_beat())
    bus = BusClient(settings.ZAITU_BUS_PATH)
    try:
        await Ingest(setup, shards=settings.ZAITU_NATS_SHARDS, bus=bus, part=_PART).run(stop)
    finally:
        beating.cancel()
        await bus.close()


async def _beat() -> None:
    while True:
        heartbeat.beat(_PART)
        await asyncio.sleep(1)
