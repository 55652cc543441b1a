"""How the stream of ticks is reached; apart from what reaches it, so that processes without one need not load its client."""

from dataclasses import dataclass


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
    """`http://host:8222`, several comma separated; asked once whether the servers sync before they acknowledge."""
    unsynced_allowed: bool = False
