import asyncio
import io
import logging
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.portal import make
from zaitu.kernel import clock, logs
from zaitu.kernel.bus import BusServer
from zaitu.portal.misses import misses


@pytest.fixture
def web(transactional_db: None) -> Iterator[httpx.Client]:
    """A client of the running product; each test has a web server of its own, and limits start at nothing."""
    misses.blocked.clear()
    with make.server() as address, httpx.Client(base_url=address, timeout=20) as client:
        yield client


@pytest.fixture
def bus(settings) -> Iterator[Callable[..., None]]:
    """A bus as the gateway's, and a way to say where a vehicle is now."""
    loop = asyncio.new_event_loop()
    server = BusServer(settings.ZAITU_BUS_PATH)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)

    def fix(vehicle_id: int, lat: float, lon: float, *, trip: str, along_m: float) -> None:
        payload = {
            "vehicle_id": vehicle_id,
            "at": clock.now().isoformat(),
            "lat": lat,
            "lon": lon,
            "speed_kmh": 70.0,
            "course_deg": 270,
            "along_m": along_m,
            "trip": trip,
        }
        loop.call_soon_threadsafe(server.publish, f"fix.{vehicle_id}", payload)

    yield fix
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What has been logged so far, as it is written."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs.formatter())
    logging.getLogger().addHandler(handler)
    yield handler.stream.getvalue
    logging.getLogger().removeHandler(handler)
