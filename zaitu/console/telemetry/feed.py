"""Where the fleet is, second by second: one bus subscription per process, however many browsers look."""

import asyncio
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

from django.conf import settings

from zaitu.kernel.bus import BusClient

Fix = dict[str, Any]


class FleetFeed:
    """The newest fix of each vehicle, numbered in order of arrival, so that a reader asks for what came after its last."""

    def __init__(self, bus_path: str) -> None:
        self._client = BusClient(bus_path)
        self._fixes: dict[int, tuple[int, Fix]] = {}
        self._number = 0
        self._readers = 0
        self._pump: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._readers += 1
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        return self

    def __exit__(self, *_: object) -> None:
        self._readers -= 1
        if self._readers == 0 and self._pump is not None:
            # Nobody looks: stop listening, and forget, since nothing will be newer.
            self._pump.cancel()
            self._pump = None
            self._fixes.clear()

    @property
    def number(self) -> int:
        """Of the newest fix so far."""
        return self._number

    def after(self, number: int) -> list[Fix]:
        """The vehicles heard of since, each once with its newest fix."""
        return [fix for at, fix in self._fixes.values() if at > number]

    async def _run(self) -> None:
        async for _topic, told in self._client.subscribe("fix.*"):
            self._number += 1
            for fix in told.get("fixes", (told,)):
                self._fixes[int(fix["vehicle_id"])] = (self._number, fix)


_FEEDS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, FleetFeed]] = WeakKeyDictionary()


def fleet_feed() -> FleetFeed:
    """The feed of the running event loop; a server process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _FEEDS:
        _FEEDS[loop] = FleetFeed(settings.ZAITU_BUS_PATH)
    return _FEEDS[loop]
