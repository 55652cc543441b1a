"""`zaitu sensors`: take readings from an MQTT broker, until SIGTERM or SIGINT."""

import asyncio
import hashlib
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zaitu.kernel.topics import Topic
from zaitu.telemetry.gateway.sensors import PART, Listener, Setup
from zaitu.telemetry.services.sinks import sink_made


class Command(BaseCommand):
    help = "Hear sensors at an MQTT broker (ZAITU_MQTT_URL) and store what they measure."
    requires_system_checks = ()

    def handle(self, **_: Any) -> None:
        if not settings.ZAITU_MQTT_URL:
            raise CommandError("ZAITU_MQTT_URL is not set: there is no broker to hear sensors at")
        asyncio.run(_serve())


async def _serve() -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    # Of this home: another installation at the same broker has a session of its own.
    name = f"zaitu-{hashlib.sha256(settings.ZAITU_HOME.encode()).hexdigest()[:12]}"
    topics = [Topic.parse(one) for one in settings.ZAITU_MQTT_TOPICS.split(",")]
    setup = Setup(url=settings.ZAITU_MQTT_URL, topics=topics, name=name)
    await Listener(setup, sink=sink_made(part=PART, patient=True)).run(stop)
