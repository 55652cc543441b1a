"""Who may read the installation's numbers."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from zaitu.config import health


def _status(client, *forwarded):
    """Of `/metrics`, asked from that address with these X-Forwarded-For headers."""
    return asyncio.run(_asked(client, *forwarded))[0]["status"]


async def _asked(client, *forwarded):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "client": (client, 40_000),
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }
    await health.metrics(scope, None, send)
    return sent


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked", [("127.0.0.1",), ("10.0.0.7",), ("10.0.0.7", "192.168.3.4")])
def test_private_networks_read_the_numbers(asked):
    assert _status(*asked) == 200


@pytest.mark.parametrize(
    "asked",
    [
        ("8.8.8.8",),
        ("8.8.8.8", "10.0.0.7"),
        ("10.0.0.2", "8.8.8.8"),
        ("10.0.0.2", "10.9.9.9, 8.8.8.8"),
        ("10.0.0.2", "10.9.9.9", "8.8.8.8"),
        ("10.0.0.2", "unknown"),
        ("", "10.0.0.7"),
    ],
)
def test_the_internet_does_not_also_not_through_a_proxy_that_nobody_told_us_of(asked):
    assert _status(*asked) == 404


@pytest.mark.django_db(transaction=True)
def test_the_backlog_is_told_again_after_the_database_was_away():
    async def around_a_restart():
        before = await _asked("127.0.0.1")
        await sync_to_async(_end_all_sessions, thread_sensitive=False)()
        return before, await _asked("127.0.0.1")

    for sent in asyncio.run(around_a_restart()):
        assert b"zaitu_outbox_rows" in sent[1]["body"]


def _end_all_sessions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    connections.close_all()


def test_each_of_several_gateways_must_show_that_it_works(tmp_path, settings):
    settings.ZAITU_BUS_PATH = str(tmp_path / "bus.sock")
    (tmp_path / health.PARTS_FILE).write_text('["bus", "web-2", "gateway", "gateway-2", "jobs"]')
    assert health._expected() == ["gateway", "gateway-2", "jobs"]


def test_a_no_is_looked_at_again_at_once_and_a_yes_serves_many_askers(monkeypatch):
    looks = []

    async def troubles():
        looks.append(len(looks))
        if len(looks) < 3:
            yield "jobs", "定时任务没有在工作"

    monkeypatch.setattr(health, "_troubles", troubles)

    async def asked_for_a_while():
        ready, statuses = health.Ready(), []

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        for _ in range(15):
            await ready({}, None, send)
            await asyncio.sleep(0.06)
        return statuses

    statuses = asyncio.run(asked_for_a_while())
    assert (statuses[0], statuses[-1]) == (503, 200)
    assert statuses == sorted(statuses, reverse=True), "once yes, it stays so"
    assert len(looks) == 3
