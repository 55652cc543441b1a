"""Numbers about this installation for Prometheus. Rooms make their own counters with these helpers."""

from collections.abc import Callable, Iterable
from typing import Final

from django.db import Error
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from zaitu.kernel import outbox

__all__ = ["Metric", "counter", "family", "gauge", "histogram", "read_when_asked", "render"]

Reading = Callable[[], Iterable[Metric]]

_LATENCY_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def counter(name: str, text: str, labels: Iterable[str] = ()) -> Counter:
    """`zaitu_<name>_total`."""
    return Counter(f"zaitu_{name}", text, list(labels))


def gauge(name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
    return Gauge(f"zaitu_{name}", text, list(labels))


def histogram(name: str, text: str, labels: Iterable[str] = ()) -> Histogram:
    """Of seconds; name it `…_s`."""
    return Histogram(f"zaitu_{name}", text, list(labels), buckets=_LATENCY_S)


def family(name: str, text: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    """`zaitu_<name>`, for `read_when_asked`: values are added by `add_metric`."""
    return GaugeMetricFamily(f"zaitu_{name}", text, labels=list(labels))


_readings: Final[list[Reading]] = []


def read_when_asked(reading: Reading) -> Reading:
    """Decorator: these numbers are asked of the database each time /metrics is read, whichever process answers it."""
    _readings.append(reading)
    return reading


class _FromDatabase(Collector):
    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for reading in _readings:
            try:
                yield from reading()
            except Error:
                continue  # the other numbers are worth having


@read_when_asked
def _outbox() -> Iterable[Metric]:
    backlog = outbox.backlog()
    for name, text, value in (
        ("rows", "Events not yet delivered to everyone", backlog.rows),
        ("oldest_s", "Age of the oldest undelivered event, seconds", backlog.oldest_s),
        ("held", "Subjects that wait for a retry", backlog.held),
        ("poison", "Events set aside for an administrator", backlog.poison),
        ("blocked_s", "Age of the oldest transaction that holds deliveries up, seconds", backlog.blocked_s),
    ):
        yield GaugeMetricFamily(f"zaitu_outbox_{name}", text, value=value)


def families() -> dict[str, Metric]:
    """The same numbers by name (`zaitu_positions`; counters without `_total`), summed over all processes. Asks the database."""
    shared, alone = CollectorRegistry(), values.ValueClass is values.MutexValue
    shared.register(_FromDatabase())
    if not alone:
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    collected = [*shared.collect(), *(REGISTRY.collect() if alone else ())]
    return {one.name: one for one in collected if one.name.startswith("zaitu_")}


def render() -> tuple[bytes, str]:
    """Body and content type of `GET /metrics`: all processes' numbers and what the database knows. Asks the database: not for an event loop.

    Under `zaitu up` the processes share their numbers by files (PROMETHEUS_MULTIPROC_DIR); alone, a process tells its own.
    """
    shared = CollectorRegistry()
    shared.register(_FromDatabase())
    if values.ValueClass is values.MutexValue:
        return generate_latest(REGISTRY) + generate_latest(shared), CONTENT_TYPE_LATEST
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    return generate_latest(shared), CONTENT_TYPE_LATEST
