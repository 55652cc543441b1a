"""An engine keeps what it read in memory; each test has a database of its own, so each gets its own engine."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.telemetry import make
from zaitu.kernel.bus import BusClient, BusServer


@pytest.fixture(autouse=True)
def _fresh_engine() -> Iterator[None]:
    make.engine_forget()
    yield
    make.engine_forget()


@pytest.fixture
def gateway():
    with make.gateway(settings.ZAITU_BUS_PATH) as one:
        yield one


@pytest.fixture
def wire(gateway):
    """An adopted terminal's connection, not yet registered."""
    number, vehicle_id, _ = make.terminal()
    one = make.Wire(gateway.port, number)
    one.vehicle_id = vehicle_id
    yield one
    one.close()


@pytest.fixture
def bus(tmp_path):
    """A bus server in a thread, and a client's subscription collected into a list."""
    loop = asyncio.new_event_loop()
    path, heard, ready = tmp_path / "bus.sock", [], threading.Event()

    async def listen(client):
        async for topic, payload in client.subscribe("fix.*"):
            heard.append((topic, payload))

    async def serve():
        async with BusServer(path), BusClient(path) as client:
            listening = asyncio.create_task(listen(client))
            await asyncio.sleep(0.3)
            ready.set()
            await stop.wait()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    assert ready.wait(10)
    yield path, heard
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()
