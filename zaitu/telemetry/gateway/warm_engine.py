"""The engine's kernels, as warm is for those of every gateway."""

from datetime import datetime

import numpy as np

from zaitu.telemetry.adapters.positions import rows_packed
from zaitu.telemetry.codecs.columns import Columns
from zaitu.telemetry.kernels import fleet as fleets
from zaitu.telemetry.services.engine import Engine
from zaitu.telemetry.services.ticks import Tick


def engine_warm(columns: Columns, now: datetime) -> None:
    """Take these positions of terminal `1` through the engine's memory, through the rules, and as rows."""
    engine = Engine()
    engine.registry.admit([(0, "1", "2013", None)])
    prepared = engine.prepare(Tick(received_at=now, columns=columns))
    rows = np.arange(len(columns))
    rows_packed(columns, prepared.owners, rows, now)
    # The rules by themselves: the terminal is in no vehicle.
    fleet = fleets.Fleet()
    slots, devices = (np.full(len(columns), one) for one in (fleet.slot(0), fleet.device(0)))
    fleet.walk(
        fleets.Tick(
            columns=columns, received_us=columns.at_us.copy(), slots=slots, devices=devices, order=rows
        )
    )
