"""Ticks in a NATS JetStream: one stream, a subject a shard, kept until a worker has stored them.

The stream is a work queue that refuses what it has no room for, so what it took is there until it is stored. A message is a tick
(codecs.packed) of one shard; its stream sequence is the tick's number.
"""

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from zaitu.kernel import logs

STREAM: Final = "ZAITU_FIXES"
_SUBJECT: Final = "zaitu.fixes.{}"
_ACK_WAIT_S: Final = 10.0
"""A worker that has not stored a tick by then is taken for dead, and the tick is given to another."""
_PUBLISH_S: Final = 5.0
_PAUSE_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
_TROUBLE: Final = (NatsError, OSError, TimeoutError)

log = logs.logger("telemetry.stream")


class Unusable(Exception):
    """The server is there and cannot be used as it is set up: it syncs too late, or has no room for the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    url: str
    """`nats://host:4222`, several comma separated."""
    replicas: int = 1
    bytes_max: int = 4 * 1024**3
    """Of ticks waiting to be stored; then gateways make their terminals wait."""
    monitor_url: str = ""
    """`http://host:8222`; asked once whether the server syncs before it acknowledges."""
    unsynced_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message given to us."""

    sequence: int
    content: bytes
    stored: Callable[[], Awaitable[object]]
    """Say that it may be forgotten."""


class Stream:
    """A connection to the stream. Belongs to one event loop."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._client = Client()
        self._jetstream: JetStreamContext | None = None

    async def open(self) -> None:
        """Connect and make the stream if there is none; waits for a server. Raises Unusable."""
        await asyncio.to_thread(_synced, self._setup)
        try:
            await self._patiently(self._connect)
        except Unusable:
            await self.close()
            raise

    async def _connect(self) -> None:
        if not self._client.is_connected:
            self._client = await nats.connect(
                self._setup.url.split(","),
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                error_cb=_quiet,
            )
        self._jetstream = self._client.jetstream(timeout=_PUBLISH_S)
        wanted = StreamConfig(
            name=STREAM,
            subjects=[_SUBJECT.format("*")],
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            storage=StorageType.FILE,
            num_replicas=self._setup.replicas,
            max_bytes=self._setup.bytes_max,
            duplicate_window=120,
        )
        try:
            await self._jetstream.stream_info(STREAM)
        except NotFoundError:
            try:
                await self._jetstream.add_stream(wanted)
            except APIError as error:
                raise Unusable(f"the NATS server refuses the stream {STREAM}: {error.description}") from error

    async def close(self) -> None:
        with contextlib.suppress(*_TROUBLE):
            await self._client.close()

    async def put(self, shard: int, content: bytes, *, name: str) -> None:
        """Returns when the stream has confirmed it; repeats it until then. `name`: the same content has the same one."""
        jetstream = self._opened()

        async def publish() -> None:
            await jetstream.publish(
                _SUBJECT.format(shard), content, headers={"Nats-Msg-Id": name}, timeout=_PUBLISH_S
            )

        await self._patiently(publish)

    async def take(self, shard: int) -> "Taking":
        """What waits for this shard, one after the other; whoever calls holds the shard."""
        jetstream = self._opened()
        name = f"shard-{shard}"

        async def subscribe() -> JetStreamContext.PullSubscription:
            return await jetstream.pull_subscribe(
                _SUBJECT.format(shard),
                durable=name,
                stream=STREAM,
                config=ConsumerConfig(
                    durable_name=name,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=_ACK_WAIT_S,
                    max_ack_pending=1,
                ),
            )

        return Taking(await self._patiently(subscribe))

    async def _patiently(self, function: "Callable[[], Awaitable[Any]]") -> Any:
        tries = 0
        while True:
            try:
                return await function()
            except _TROUBLE as error:
                log.warning("the stream does not answer; repeating", error=str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE_S[min(tries, len(_PAUSE_S) - 1)])
                tries += 1

    def _opened(self) -> JetStreamContext:
        if self._jetstream is None:
            raise RuntimeError("the stream is not open")
        return self._jetstream


class Taking:
    """One shard's consumer."""

    def __init__(self, subscription: JetStreamContext.PullSubscription) -> None:
        self._subscription = subscription

    async def next(self, within_s: float) -> Taken | None:
        """The next message; None: there was none."""
        try:
            (message,) = await self._subscription.fetch(1, timeout=within_s)
        except _TROUBLE:
            return None
        return Taken(sequence=message.metadata.sequence.stream, content=message.data, stored=message.ack_sync)

    async def close(self) -> None:
        """Let another take over; the consumer itself stays."""
        try:
            await self._subscription.unsubscribe()
        except _TROUBLE:
            log.info("a subscription went before it was ended")


async def _quiet(error: Exception) -> None:
    log.debug("stream connection", error=str(error) or type(error).__name__)


def _synced(setup: Setup) -> None:
    """Raises Unusable unless the server says that it syncs always, or the operator knows that it does not."""
    if setup.unsynced_allowed:
        return
    if not setup.monitor_url:
        raise Unusable(
            "ZAITU_NATS_MONITOR_URL is needed to see that the server syncs before it acknowledges (or ZAITU_NATS_UNSYNCED_ALLOWED=1)"
        )
    try:
        with urllib.request.urlopen(f"{setup.monitor_url.rstrip('/')}/varz", timeout=5) as answer:  # noqa: S310  the operator's address
            config = json.load(answer).get("jetstream", {}).get("config", {})
    except (OSError, ValueError) as error:
        raise Unusable(f"{setup.monitor_url} does not say how the server stores: {error}") from error
    if not config.get("sync_always"):
        raise Unusable(
            "the NATS server acknowledges before it syncs: set `jetstream { sync_interval: always }`, or ZAITU_NATS_UNSYNCED_ALLOWED=1"
        )
