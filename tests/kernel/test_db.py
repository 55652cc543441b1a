"""asyncpg on Django's own database."""

import asyncio

import pytest

from tests.kernel import make
from zaitu.kernel import db

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_pool_reads_the_same_database_in_utc_with_json_as_objects():
    async def story():
        pool = await db.pool()
        try:
            row = await pool.fetchrow(
                """SELECT current_database() AS name, current_setting('timezone') AS zone, '{"a": [1, "二"]}'::jsonb AS doc"""
            )
        finally:
            await pool.close()
        return row

    row = asyncio.run(story())
    with make.connect() as own:
        assert row["name"] == own.execute("SELECT current_database()").fetchone()[0]
    assert row["zone"] == "UTC"
    assert row["doc"] == {"a": [1, "二"]}


def test_a_listener_hears_and_after_a_break_is_told_to_forget():
    async def story():
        heard, connections = [], []
        connected = asyncio.Event()

        def on_connect():
            connections.append(1)
            connected.set()

        task = asyncio.create_task(db.listen("zaitu_test", heard.append, on_connect))
        with make.connect() as own:
            await connected.wait()
            own.execute("SELECT pg_notify('zaitu_test', 'one')")
            while heard != ["one"]:  # noqa: ASYNC110  what we wait for has no event to wait on
                await asyncio.sleep(0.01)
            connected.clear()
            own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'zaitu'"
            )
            await connected.wait()
            own.execute("SELECT pg_notify('zaitu_test', 'two')")
            while heard != ["one", "two"]:  # noqa: ASYNC110  what we wait for has no event to wait on
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return connections

    async def bounded():
        async with asyncio.timeout(20):
            return await story()

    assert asyncio.run(bounded()) == [1, 1]
