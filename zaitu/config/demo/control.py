"""Which truck drives what: read from the trips, so that a trip planned at the console is driven too."""

from zaitu.config.demo.drive import start_delay
from zaitu.config.demo.past import is_late
from zaitu.config.demo.schedule import run_key, trucks
from zaitu.config.demo.setup import ACTOR
from zaitu.config.demo.truck import Task
from zaitu.journey import public as journey
from zaitu.network import public as network


def tasks() -> list[Task]:
    """One per truck that has a trip: the one it is on, else the next, else it stands where the last one ended."""
    trips = _trips()
    lines = network.lines_by_codes({trip.line for trip in trips.values()})
    return [
        Task(
            terminal=truck.terminal,
            version=truck.version,
            plate=truck.plate,
            cold=truck.cold,
            late=is_late(truck.plate),
            key=run_key(trip.plate, trip.departs_at),
            line=trip.line,
            starts_at=trip.departs_at
            + start_delay(run_key(trip.plate, trip.departs_at), late=is_late(truck.plate)),
            stops_m=tuple(stop.along_m for stop in lines[trip.line].stops),
            points=lines[trip.line].points,
        )
        for truck in trucks()
        if (trip := trips.get(truck.plate)) is not None and trip.line in lines
    ]


def _trips() -> dict[str, journey.TripView]:
    """By plate: the earliest running or planned trip, else the last done one."""
    done = {trip.plate: trip for trip in reversed(_listed("done", pages=2))}
    planned = {trip.plate: trip for trip in _listed("planned", pages=4)}
    running = {trip.plate: trip for trip in _listed("running", pages=4)}
    return done | planned | running


def _listed(state: str, *, pages: int) -> list[journey.TripView]:
    """Newest departure first."""
    found: list[journey.TripView] = []
    for page in range(1, pages + 1):
        listed = journey.trips_list(actor=ACTOR, state=state, page=page)
        found += listed.rows
        if page >= listed.pages:
            break
    return found
