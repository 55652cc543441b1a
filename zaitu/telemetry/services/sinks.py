"""Which sink a process has, by the settings."""

from django.conf import settings

from zaitu.kernel.bus import BusClient
from zaitu.telemetry.domain.stream import Setup
from zaitu.telemetry.services.door import DoorSink, Patient, door_path
from zaitu.telemetry.services.sink import Sink


def stream_setup() -> Setup | None:
    """Where the stream is; None: there is none, one engine has the whole fleet."""
    if not settings.ZAITU_NATS_URL:
        return None
    return Setup(
        url=settings.ZAITU_NATS_URL,
        replicas=settings.ZAITU_NATS_REPLICAS,
        bytes_max=settings.ZAITU_NATS_STREAM_MB * 1024**2,
        monitor_url=settings.ZAITU_NATS_MONITOR_URL,
        unsynced_allowed=settings.ZAITU_NATS_UNSYNCED_ALLOWED,
    )


def has_engine(*, first: bool) -> bool:
    """Whether a gateway has the engine: the first of its machine, where there is no stream."""
    return first and not settings.ZAITU_NATS_URL


def engine_made(bus: BusClient, *, part: str) -> Sink:
    # The engine's kernels weigh tens of megabytes: processes that hand their ticks on are without them.
    from zaitu.telemetry.services.host import EngineHost  # noqa: PLC0415

    return EngineHost(bus, part=part)


def sink_made(*, part: str, patient: bool = False) -> Sink:
    """Of a process without an engine: it reaches the one of this machine by its door, or the stream.

    `patient`: wait while the door is closed.
    """
    setup = stream_setup()
    if setup is not None:
        from zaitu.telemetry.services.stream_sink import StreamSink  # noqa: PLC0415  only who has a stream needs its client

        return StreamSink(setup, shards=settings.ZAITU_NATS_SHARDS, part=part)
    door = DoorSink(door_path(settings.ZAITU_BUS_PATH))
    return Patient(door) if patient else door
