"""Metrics of what is stored; processes share them by files (zaitu/kernel/metrics.py)."""

from typing import Final

from zaitu.kernel.metrics import counter

POSITIONS: Final = counter("positions", "Positions taken in, by what became of them", ["outcome"])
FACTS: Final = counter("telemetry_facts", "Facts found in what devices said")
RETRIES: Final = counter("telemetry_retries", "Writes repeated because PostgreSQL did not answer")
LATE_FAILED: Final = counter(
    "telemetry_late_failed", "Late fixes of a vehicle that could not be judged and wait"
)
