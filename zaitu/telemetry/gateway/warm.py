"""Kernels are compiled at their first call, or read from disk: seconds that no terminal shall wait for."""

from datetime import datetime

import numpy as np

from zaitu.telemetry.codecs.columns import Columns, microseconds
from zaitu.telemetry.codecs.jt808.encode import Place, Uplink
from zaitu.telemetry.gateway.connections import Connections
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.reading import answers_of, read
from zaitu.telemetry.kernels import jt808, kept, sockets
from zaitu.telemetry.kernels.compiled import KEPT


def kernels_warm(now: datetime, *, engine: bool) -> None:
    """Take one position of a terminal that does not exist through everything but the database.

    Without `engine`: through what only hands it on.
    """
    if not engine:
        _read(now)
        return
    from zaitu.telemetry.gateway.warm_engine import engine_warm  # noqa: PLC0415  who has none is without its kernels

    with kept.compiled_once(KEPT):
        engine_warm(_read(now), now)
    kept.older_forgotten(KEPT)


def _read(now: datetime) -> Columns:
    connections = Connections(Limits(connections=1))
    slot = connections.open()
    connections.authenticated(slot, "1")
    _, frame = Uplink("1").position(Place(time=now, lat=31.2, lon=121.4, odometer_m=1_000, temps_c=(4.0,)))
    received = np.frombuffer(bytearray(frame), dtype=np.uint8)
    one = read(received, np.array([[slot, 0, len(received)]]), connections, microseconds(now))
    placed = one.of_kind(jt808.PLACED)
    out, runs, _count = answers_of(one, placed, np.zeros(len(placed), dtype=np.int64), connections)
    none = np.empty(0, dtype=np.int64)
    sockets.sockets_send(none, runs, 0, out, none)
    sockets.sockets_receive(none, none, 1, received, runs, none)
    return one.columns
