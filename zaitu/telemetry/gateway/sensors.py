"""Sensors over MQTT: readings from any broker, acknowledged to it when they are committed.

The session outlives us (one name, no clean start): what is published with quality of service 1 while we are away waits at the broker.
A device proves who it is to the broker; here it must have been let in as a sensor, so that none can speak for a vehicle's terminal.
"""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from zaitu.kernel import clock, heartbeat, logs
from zaitu.kernel.errors import Invalid
from zaitu.kernel.topics import Topic
from zaitu.telemetry.codecs.columns import Report, columns_of
from zaitu.telemetry.codecs.sensors import Sensed, SensorError, payload_read
from zaitu.telemetry.gateway import numbers
from zaitu.telemetry.services import sensors
from zaitu.telemetry.services.sink import Sink
from zaitu.telemetry.services.terminals import terminal_normal
from zaitu.telemetry.services.threads import Threads
from zaitu.telemetry.services.ticks import Tick

PART: Final = "sensors"
_GATHER_S: Final = 0.05
_MESSAGES: Final = 500
"""Of one tick."""
_UNDER_WAY: Final = 1_000
"""Messages the broker may send before we acknowledge the first (MQTT 5: Receive Maximum)."""
_KEPT_S: Final = 86_400
"""The broker keeps the session of one that is away."""
_BEAT_S: Final = 1.0

log = logs.logger("telemetry.sensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    url: str
    """`mqtt://user:password@host:1883`, `mqtts://…:8883`."""
    topics: Sequence[Topic]
    name: str
    """Of the session; two listeners with one name push each other out."""


class Listener:
    def __init__(self, setup: Setup, *, sink: Sink) -> None:
        self._setup = setup
        self._sink = sink
        self._database = Threads(1, PART)
        self._heard: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.subscribed = threading.Event()
        """The broker has a session of ours: what is published from now on is not missed."""
        self._client = self._made()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; the broker may come and go. Raises what made storing impossible."""
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._client.on_message = self._message
        await self._sink.start()
        address = urlsplit(self._setup.url)
        port = address.port or (8883 if address.scheme == "mqtts" else 1883)
        self._client.connect_async(
            address.hostname or "localhost", port, clean_start=False, properties=_session()
        )
        self._client.loop_start()
        working = {asyncio.create_task(one) for one in (self._work(), self._beat(), self._sink.run())}
        asked = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait({asked, *working}, return_when=asyncio.FIRST_COMPLETED)
        # What was taken and not stored is not acknowledged: the broker sends it again.
        await loop.run_in_executor(None, self._hang_up)
        for task in {asked, *working} - done:
            task.cancel()
        await asyncio.gather(asked, *working, return_exceptions=True)
        await self._sink.stop()
        self._database.close()
        for task in done - {asked}:
            task.result()

    def _hang_up(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _made(self) -> mqtt.Client:
        address = urlsplit(self._setup.url)
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._setup.name,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        if address.username is not None:
            client.username_pw_set(unquote(address.username), unquote(address.password or ""))
        if address.scheme == "mqtts":
            client.tls_set()
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._connected
        client.on_subscribe = lambda *_: self.subscribed.set()
        client.on_disconnect = self._disconnected
        return client

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("the broker refuses us", reason=str(reason))
            return
        client.subscribe([(topic.filter, SubscribeOptions(qos=1)) for topic in self._setup.topics])
        numbers.BROKER.set(1)
        log.info("listening at the broker", topics=[topic.filter for topic in self._setup.topics])

    def _disconnected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        numbers.BROKER.set(0)
        log.warning("the broker is gone", reason=str(reason))

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        """In the client's own thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._heard.put_nowait, message)

    async def _beat(self) -> None:
        while True:
            heartbeat.beat(PART)
            await asyncio.sleep(_BEAT_S)

    async def _work(self) -> None:
        while True:
            messages = [await self._heard.get()]
            await asyncio.sleep(_GATHER_S)
            with contextlib.suppress(asyncio.QueueEmpty):
                while len(messages) < _MESSAGES:
                    messages.append(self._heard.get_nowait())
            await self._store(messages)
            for message in messages:
                self._client.ack(message.mid, message.qos)

    async def _store(self, messages: Sequence[mqtt.MQTTMessage]) -> None:
        now = clock.now()
        sensed = [one for message in messages for one in self._read(message, now)]
        if not sensed:
            return
        names = {one.device or "" for one in sensed}
        known = await self._database.call(sensors.sensors_known, names, now=now)
        numbers.READINGS.labels("unknown_device").inc(sum(one.device not in known for one in sensed))
        reports = [Report(terminal=one.device or "", fix=one.fix) for one in sensed if one.device in known]
        if reports:
            await self._sink.put(Tick(received_at=now, columns=columns_of(reports, received_at=now)))
            numbers.READINGS.labels("taken").inc(len(reports))

    def _read(self, message: mqtt.MQTTMessage, now: datetime) -> list[Sensed]:
        """Its readings, each with the name of its device; none when it cannot be read, which is counted."""
        named = next((found for topic in self._setup.topics if (found := topic.device(message.topic))), "")
        try:
            told = payload_read(bytes(message.payload), now=now)
            return [Sensed(device=terminal_normal(one.device or named), fix=one.fix) for one in told]
        except SensorError as error:
            numbers.READINGS.labels(error.code).inc()
        except Invalid:
            numbers.READINGS.labels("no_device").inc()
        return []


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    properties.SessionExpiryInterval = _KEPT_S
    properties.ReceiveMaximum = _UNDER_WAY
    return properties
