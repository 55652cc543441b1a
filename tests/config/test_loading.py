"""What each kind of process loads: the heavy libraries only where they are needed, and there before the first customer comes."""

import json
import subprocess
import sys

HEAVY = ("numba", "llvmlite", "duckdb", "openpyxl", "nats")
WEB = """
import asyncio
from zaitu.config import asgi
async def begun():
    told = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    async def receive():
        return next(told)
    async def send(message):
        pass
    await asgi.application({"type": "lifespan"}, receive, send)
asyncio.run(begun())
"""
COMMANDS = """
from django.core.management import load_command_class
for room, name in (("config", "worker"), ("config", "jobs"), ("config", "fleet"), ("notify", "couriers"), ("telemetry", "sensors")):
    load_command_class(f"zaitu.{room}", name)
"""
GATEWAY = """
from zaitu.kernel import clock
from zaitu.telemetry.gateway.server import Gateway, Setup
from zaitu.telemetry.gateway.warm import kernels_warm
Gateway(Setup(tick_s=0.1, bus_path="/nonexistent/bus", number={number}))
kernels_warm(clock.now(), engine={engine})
"""
COMPILED = """
from zaitu.kernel import clock
from zaitu.telemetry.codecs.columns import Report, columns_of, microseconds
from zaitu.telemetry.codecs.osmand import query_parse
from zaitu.telemetry.codecs.packed import columns_pack, columns_unpack
from zaitu.telemetry.gateway import warm, warm_engine
from zaitu.telemetry.kernels import once, pgcopy, walk
def compiled():
    return [len(kernel.signatures) for kernel in (walk.walk, once.rows_judged, pgcopy.rows_pack)]
now = clock.now()
warm.kernels_warm(now, engine=True)
before = compiled()
columns, _ = columns_unpack(columns_pack(warm._read(now), microseconds(now)))
warm_engine.engine_warm(columns, now)
fixes = query_parse(f"id=1&lat=31.2&lon=121.4&timestamp={now.timestamp():.0f}").fixes
warm_engine.engine_warm(columns_of([Report(terminal="1", fix=fix) for fix in fixes], received_at=now), now)
said = [before, compiled()]
"""


def _said(code: str, what: str) -> object:
    """What a fresh process with the settings says of itself, as JSON, after it has run this."""
    script = f"import json, sys, django\ndjango.setup()\n{code}\nprint(json.dumps({what}))"
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _loaded(code: str) -> set[str]:
    return set(_said(code, "sorted(sys.modules)"))


def test_a_web_process_has_all_pages_and_none_of_the_heavy_libraries_before_the_first_request():
    loaded = _loaded(WEB)
    assert {"zaitu.console.urls", "zaitu.portal.urls"} <= loaded
    assert not loaded.intersection(HEAVY)


def test_worker_jobs_couriers_fleet_and_sensors_load_none_of_the_heavy_libraries():
    assert not _loaded(COMMANDS).intersection(HEAVY)


def test_a_further_gateway_is_without_the_engine_and_all_pages():
    loaded = _loaded(GATEWAY.format(number=2, engine=False))
    assert "zaitu.telemetry.kernels.stream" in loaded
    left_out = {"zaitu.telemetry.services.engine", "zaitu.telemetry.kernels.walk", "zaitu.config.urls"}
    assert not loaded & (left_out | {"duckdb", "openpyxl", "nats"})


def test_the_first_gateway_has_the_engine_before_it_listens():
    assert "zaitu.telemetry.services.engine" in _loaded(GATEWAY.format(number=1, engine=True))


def test_the_first_tick_compiles_nothing_whoever_it_comes_from():
    before, after = _said(COMPILED, "said")
    assert before == after
    assert all(before), "each has been compiled, the rules too"
