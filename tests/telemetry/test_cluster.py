"""Several machines: a server, a gateway or a worker is killed, stopped or cut off, and nothing acknowledged is lost or stored twice."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.faults import network
from tests.faults.cluster import TERMINALS, Outcome
from tests.faults.fleet import make_words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

_FAULTS = ("worker cut off", "nats leader killed", "gateway stopped", "nats follower killed")
"""Each part once and each way once; `make soak` tries all twelve."""


def test_whatever_part_of_a_cluster_fails_nothing_acknowledged_is_lost_stored_twice_or_told_in_another_order(
    tmp_path,
):
    call_command("shell", command=make_words(TERMINALS))
    done = network.inside(
        "tests.faults.cluster",
        [
            "--database", settings.ZAITU_DATABASE_URL, "--home", settings.ZAITU_HOME, "--folder", tmp_path,
            "--faults", ",".join(_FAULTS), "--hold", "6", "--pause", "0.05",
        ],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    outcomes = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    assert [one.fault for one in outcomes] == [*_FAULTS, "all of them"]
    assert [one for one in outcomes if not one.fine] == []
    assert all(one.acked for one in outcomes)
