"""Ticks in a NATS JetStream: one stream, a subject a shard, kept until a worker has stored them.

The stream is a work queue that refuses what it has no room for, so what it took is there until it is stored. A message is a tick
(codecs.packed) of one shard; its stream sequence is the tick's number.
"""

import asyncio
import contextlib
import json
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from zaitu.kernel import logs
from zaitu.telemetry.domain.stream import Setup, Unusable

STREAM: Final = "ZAITU_FIXES"
_SUBJECT: Final = "zaitu.fixes.{}"
_ACK_WAIT_S: Final = 10.0
"""What is not confirmed by then is given again."""
_AT_ONCE: Final = 16
"""Messages taken together."""
_PUBLISH_S: Final = 5.0
_PING_S: Final = 2
_PINGS_LOST: Final = 2
"""A server that answers neither is taken for dead, and another of the cluster is used."""
_NOT_NOW: Final = 503
_NO_PEERS: Final = 10005
"""JetStream's number for: not so many servers are there (yet) as are to hold the stream."""
_PAUSE_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
_TROUBLE: Final = (NatsError, OSError, TimeoutError)

Subscription: TypeAlias = JetStreamContext.PullSubscription

log = logs.logger("telemetry.stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message given to us."""

    sequence: int
    content: bytes
    stored: Callable[[], Awaitable[None]]
    """Say that it may be forgotten. Should nobody hear it, the message comes again."""


class Stream:
    """A connection to the stream. Belongs to one event loop."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._client = Client()
        self._jetstream: JetStreamContext | None = None

    async def open(self) -> None:
        """Connect and make the stream if there is none; waits for a server. Raises Unusable."""
        if not self._setup.unsynced_allowed:
            await self._patiently(lambda: asyncio.to_thread(_synced, self._setup))
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
                ping_interval=_PING_S,
                max_outstanding_pings=_PINGS_LOST,
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
            # Engines recognise a stored tick by a number that is not larger than the last one stored. A stream made anew, or in
            # the place of an engine that counted for itself, must go on above it.
            first_seq=time.time_ns() // 1_000,
        )
        try:
            await self._jetstream.stream_info(STREAM)
        except NotFoundError:
            try:
                await self._jetstream.add_stream(wanted)
            except APIError as error:
                if error.code == _NOT_NOW or error.err_code == _NO_PEERS:
                    raise
                raise Unusable(f"the NATS server refuses the stream {STREAM}: {error.description}") from error

    async def close(self) -> None:
        with contextlib.suppress(*_TROUBLE):
            await self._client.close()

    async def tell(self, subject: str, payload: dict[str, str]) -> None:
        """To whoever listens at this moment; while no server is there, to nobody."""
        # Not connected, it would keep it and say it when it is: what was true then may be false by now.
        with contextlib.suppress(*_TROUBLE):
            if self._client.is_connected:
                await self._client.publish(subject, json.dumps(payload).encode())

    async def hear(self, subject: str) -> AsyncIterator[dict[str, str]]:
        """What others `tell`, until the connection is closed."""
        heard = await self._client.subscribe(subject)
        async for message in heard.messages:
            with contextlib.suppress(ValueError):
                payload = json.loads(message.data)
                if isinstance(payload, dict):
                    yield payload

    async def put(self, shard: int, content: bytes, *, name: str) -> None:
        """Returns when the stream has confirmed it; repeats it until then. `name`: the same content has the same one."""
        jetstream = self._opened()

        async def publish() -> None:
            await jetstream.publish(
                _SUBJECT.format(shard), content, headers={"Nats-Msg-Id": name}, timeout=_PUBLISH_S
            )

        await self._patiently(publish)

    async def take(self, shard: int) -> "Taking":
        """What waits for this shard, in its order; whoever calls holds the shard."""
        return Taking(await self._subscribed(shard), lambda: self._subscribed(shard))

    async def _subscribed(self, shard: int) -> Subscription:
        """By a consumer of our own: of one there was before, the server would wait for what it has given to others."""
        jetstream = self._opened()
        subject, name = _SUBJECT.format(shard), f"shard-{shard}-{uuid.uuid4().hex[:12]}"

        async def subscribe() -> Subscription:
            for other in await jetstream.consumers_info(STREAM):
                if other.config.filter_subject == subject:
                    with contextlib.suppress(NotFoundError):
                        await jetstream.delete_consumer(STREAM, other.name)
            return await jetstream.pull_subscribe(
                subject,
                durable=name,
                stream=STREAM,
                config=ConsumerConfig(
                    durable_name=name,
                    filter_subject=subject,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=_ACK_WAIT_S,
                    max_ack_pending=_AT_ONCE,
                ),
            )

        return cast("Subscription", await self._patiently(subscribe))

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
    """One shard's messages, none left out: a gap, or a consumer that is gone, and it begins anew with the first not confirmed."""

    def __init__(self, subscription: Subscription, again: Callable[[], Awaitable[Subscription]]) -> None:
        self._subscription = subscription
        self._again = again
        self._given = 0
        """How many the consumer has given us."""

    async def next(self, within_s: float) -> list[Taken]:
        """The next messages in their order; empty: there were none."""
        try:
            messages = await self._subscription.fetch(_AT_ONCE, timeout=within_s)
        except TimeoutError:
            return []
        except _TROUBLE as error:
            log.warning("nothing can be read of the stream now", error=str(error) or type(error).__name__)
            await asyncio.sleep(_PAUSE_S[2])
            await self._looked_after()
            return []
        # Stored is what is numbered up to the last one stored: one that was lost on its way must not come after it.
        given = [message.metadata.sequence.consumer for message in messages]
        if given != list(range(self._given + 1, self._given + 1 + len(given))):
            log.warning("messages were lost on their way; reading anew", had=self._given, given=given[:1])
            await self._anew()
            return []
        self._given += len(given)
        return [_taken(message) for message in messages]

    async def _looked_after(self) -> None:
        """Begin anew if the consumer is gone."""
        try:
            await self._subscription.consumer_info()
        except NotFoundError:
            await self._anew()
        except _TROUBLE:
            return

    async def _anew(self) -> None:
        await self.close()
        self._subscription = await self._again()
        self._given = 0

    async def close(self) -> None:
        """Let another take over; the consumer itself stays."""
        try:
            await self._subscription.unsubscribe()
        except _TROUBLE:
            log.info("a subscription went before it was ended")


def _taken(message: Msg) -> Taken:
    async def stored() -> None:
        with contextlib.suppress(*_TROUBLE):
            await message.ack()

    return Taken(sequence=message.metadata.sequence.stream, content=message.data, stored=stored)


async def _quiet(error: Exception) -> None:
    log.debug("stream connection", error=str(error) or type(error).__name__)


def _synced(setup: Setup) -> None:
    """Raises Unusable when a server says that it does not always sync; OSError when none of them answers yet."""
    if not setup.monitor_url:
        raise Unusable(
            "ZAITU_NATS_MONITOR_URL is needed to see that the server syncs before it acknowledges (or ZAITU_NATS_UNSYNCED_ALLOWED=1)"
        )
    configs = [config for url in setup.monitor_url.split(",") if (config := _config(url.strip())) is not None]
    if not configs:
        raise OSError(f"{setup.monitor_url} does not say how the server stores")
    if not all(config.get("sync_always") for config in configs):
        raise Unusable(
            "the NATS server acknowledges before it syncs: set `jetstream { sync_interval: always }`, or ZAITU_NATS_UNSYNCED_ALLOWED=1"
        )


def _config(monitor_url: str) -> dict[str, Any] | None:
    """How a server's JetStream is set up; None: it does not answer, and the others are asked."""
    try:
        with urllib.request.urlopen(f"{monitor_url.rstrip('/')}/varz", timeout=5) as answer:  # noqa: S310  the operator's address
            config: dict[str, Any] = json.load(answer).get("jetstream", {}).get("config", {})
            return config
    except (OSError, ValueError) as error:
        log.warning("a NATS server does not say how it stores", url=monitor_url, error=str(error))
        return None
