"""Which sink a process has, by the settings."""

from django.conf import settings

from zaitu.kernel.bus import BusClient
from zaitu.telemetry.adapters.stream import Setup
from zaitu.telemetry.services.door import DoorSink, Patient, door_path
from zaitu.telemetry.services.sink import EngineHost, Sink
from zaitu.telemetry.services.streams import StreamSink


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


def sink_made(*, part: str, bus: BusClient | None = None, patient: bool = False) -> Sink:
    """`bus`: of the process that has the engine where there is no stream; others reach it by its door.

    `patient`: wait while the door is closed.
    """
    setup = stream_setup()
    if setup is not None:
        return StreamSink(setup, shards=settings.ZAITU_NATS_SHARDS, part=part)
    if bus is not None:
        return EngineHost(bus, part=part)
    door = DoorSink(door_path(settings.ZAITU_BUS_PATH))
    return Patient(door) if patient else door
