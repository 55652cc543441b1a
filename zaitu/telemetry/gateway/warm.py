"""Kernels are compiled at their first call, or read from disk: seconds that no terminal shall wait for."""

from datetime import datetime

import numpy as np

from zaitu.telemetry.adapters.positions import rows_packed
from zaitu.telemetry.codecs.columns import microseconds
from zaitu.telemetry.codecs.jt808.encode import Place, Uplink
from zaitu.telemetry.gateway.connections import Connections
from zaitu.telemetry.gateway.limits import Limits
from zaitu.telemetry.gateway.reading import answers_of, read
from zaitu.telemetry.kernels import jt808, sockets
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.ticks import Tick


def kernels_warm(now: datetime) -> None:
    """Take one position of a terminal that does not exist through everything but the database."""
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
    engine = Engine()
    engine.registry.admit([(0, "1", "2013", None)])
    prepared = engine.prepare(Tick(received_at=now, columns=one.columns))
    rows_packed(one.columns, prepared.owners, np.arange(len(one.columns)), now)
