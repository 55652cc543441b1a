"""In which vehicle a terminal was."""

from datetime import datetime

from zaitu.network import public as network


def vehicle_at(terminal: str, at: datetime) -> int | None:
    """None: in none. One query."""
    for stay in network.bindings_of([terminal]):
        if stay.holds(at):
            return stay.vehicle_id
    return None
