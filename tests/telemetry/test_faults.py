"""Under load, the gateway and PostgreSQL are killed: what was acknowledged is stored, and nothing twice."""

import tempfile
from pathlib import Path
from shutil import rmtree

import pytest

from tests.faults.fleet import Fleet, Stored, make_words
from tests.running import Installation, copy_of, until
from zaitu.config.homes import Home

pytestmark = pytest.mark.fault

_TERMINALS = 8


@pytest.fixture(scope="module")
def running(started_before):
    place = Path(tempfile.mkdtemp(prefix="zaitu-place-"))
    place.chmod(0o711)
    one = Installation(copy_of(started_before, place / "home")).up()
    done = one.run("shell", "-c", make_words(_TERMINALS))
    assert done.returncode == 0, done.stderr
    yield one
    one.ensure_stopped()
    rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("part", ["gateway", "postgres"])
def test_killed_under_load_nothing_acknowledged_is_lost_and_nothing_is_stored_twice(running, part):
    stored = Stored(Home(running.home).database_url())
    stored.forget()
    with Fleet([("127.0.0.1", running.jt808_port)], _TERMINALS) as fleet:
        until(lambda: fleet.acknowledged > 500, 60)
        for _ in range(3):
            before = fleet.acknowledged
            process = running.child(part)
            process.kill()
            process.wait(10)
            assert stored.missing(fleet.times()) == {}
            until(lambda before=before: fleet.acknowledged > before + 500, 90)
    assert stored.missing(fleet.times()) == {}
    there = stored.times()
    # Everything sent was acknowledged in the end, once it was stored.
    for link, sent in zip(fleet.links, fleet.sent, strict=True):
        assert len(link.acknowledged) == sent
        assert len(there[link.uplink.phone]) == sent
    for (visits,) in stored.asked("SELECT rules->'visits' FROM telemetry_vehiclestate"):
        assert len(visits) > 2
        assert len({(seq, entered_s) for seq, entered_s, *_ in visits}) == len(visits)
