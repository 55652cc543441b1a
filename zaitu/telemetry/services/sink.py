"""Where ticks go: into this process's engine, to the one on this machine that has it, or into a stream that workers read."""

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from zaitu.telemetry.services.ticks import Outcome, Tick


class Sink(Protocol):
    async def start(self) -> None:
        """Ready to take ticks; waits for what it needs."""

    async def put(self, tick: Tick) -> Outcome:
        """Returns when the tick is safe; ticks are taken in the order of the calls."""

    async def run(self) -> None:
        """Until cancelled; raises what made going on impossible."""

    async def stop(self) -> None: ...


@runtime_checkable
class Far(Protocol):
    """A sink that also reaches the gateways of other machines."""

    async def session_told(self, terminal: str, gateway: str) -> None:
        """The terminal has authenticated at this one."""

    def sessions(self) -> AsyncIterator[tuple[str, str]]:
        """(terminal, gateway) of what gateways tell, our own among them."""
