"""The bus over a real Unix socket."""

import asyncio
import contextlib
import json
import threading

import pytest

from zaitu.kernel.bus import BusClient, BusServer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bus.sock"


def run(coroutine):
    async def bounded():
        async with asyncio.timeout(15):
            await coroutine

    asyncio.run(bounded())


class Listening:
    """Collects what a subscription hears, from when it surely stands."""

    def __init__(self, client: BusClient, pattern: str) -> None:
        self.heard: list[tuple[str, dict]] = []
        self._messages = client.subscribe(pattern)
        self._more = asyncio.Condition()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self._messages:
            async with self._more:
                self.heard.append(message)
                self._more.notify_all()

    async def until(self, count: int) -> list[tuple[str, dict]]:
        async with self._more:
            await self._more.wait_for(lambda: len(self.heard) >= count)
        return self.heard

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._messages.aclose()


async def subscribed(server: BusServer, count: int) -> None:
    """Wait until so many subscriptions stand on the server."""
    while sum(len(one.patterns) for one in server._subscribers) < count:  # noqa: ASYNC110  what we wait for has no event to wait on
        await asyncio.sleep(0.005)


def test_what_is_published_reaches_those_whose_pattern_matches(path):
    async def story():
        async with BusServer(path) as server, BusClient(path) as client:
            fixes, one, all_ = (Listening(client, pattern) for pattern in ("fix.*", "fix.42", "*"))
            await subscribed(server, 3)
            await client.publish("fix.42", {"lat": 31.2})
            await client.publish("fix.7", {"lat": 30.5})
            await client.publish("session.13900000000", {"taken": True})
            assert await fixes.until(2) == [("fix.42", {"lat": 31.2}), ("fix.7", {"lat": 30.5})]
            assert await one.until(1) == [("fix.42", {"lat": 31.2})]
            assert len(await all_.until(3)) == 3
            for listening in (fixes, one, all_):
                await listening.stop()

    run(story())


def test_messages_of_one_publisher_keep_their_order(path):
    async def story():
        async with BusServer(path) as server, BusClient(path) as client:
            listening = Listening(client, "n")
            await subscribed(server, 1)
            for n in range(900):
                await client.publish("n", {"n": n, "text": "在途"})
            assert [payload["n"] for _, payload in await listening.until(900)] == list(range(900))
            await listening.stop()

    run(story())


def test_threads_may_publish(path):
    async def story():
        async with BusServer(path) as server, BusClient(path) as client:
            listening = Listening(client, "from.*")
            await subscribed(server, 1)
            threads = [threading.Thread(target=client.publish_soon, args=[f"from.{n}", {}]) for n in range(8)]
            for thread in threads:
                thread.start()
            assert {topic for topic, _ in await listening.until(8)} == {f"from.{n}" for n in range(8)}
            await listening.stop()

    run(story())


def test_publishing_from_a_thread_needs_a_started_client(path):
    with pytest.raises(RuntimeError, match="started"):
        BusClient(path).publish_soon("x", {})


def test_both_sides_come_back_after_the_server_was_restarted(path):
    async def story():
        async with BusClient(path) as client:
            server = BusServer(path)
            await server.start()
            listening = Listening(client, "x")
            await subscribed(server, 1)
            await client.publish("x", {"n": 1})
            await listening.until(1)
            await server.stop()

            again = BusServer(path)
            await again.start()
            await subscribed(again, 1)
            await client.publish("x", {"n": 2})
            assert (await listening.until(2))[-1] == ("x", {"n": 2})
            await listening.stop()
            await again.stop()

    run(story())


def test_what_is_published_while_the_server_is_away_waits_within_bounds(path):
    async def story():
        async with BusClient(path, queue=10) as client:
            for n in range(25):
                await client.publish("x", {"n": n})
            assert client.dropped == 15
            async with BusServer(path) as server:
                reader, writer = await asyncio.open_unix_connection(str(path))
                writer.write(b'["sub","x"]\n')
                await reader.readline()
                await client.publish("x", {"n": 25})
                while json.loads(await reader.readline())[1] != {"n": 25}:
                    pass
                assert server.dropped == 0
                writer.close()

    run(story())


def test_a_subscriber_that_does_not_read_loses_its_oldest_messages_and_holds_nobody_up(path):
    async def story():
        async with BusServer(path, queue=50) as server, BusClient(path) as client:
            asleep_reader, asleep = await asyncio.open_unix_connection(str(path))
            asleep.write(b'["sub","*"]\n')
            awake = Listening(client, "*")
            await subscribed(server, 2)
            big = "x" * 20_000
            for n in range(600):
                server.publish("x", {"n": n, "big": big})
                await awake.until(n + 1)
            assert [payload["n"] for _, payload in awake.heard] == list(range(600))
            assert server.dropped > 0
            numbers = [-1]
            while numbers[-1] != 599:
                topic, payload = json.loads(await asleep_reader.readuntil(b"\n"))
                if topic:
                    numbers.append(payload["n"])
            assert numbers == sorted(numbers)
            assert len(numbers) - 1 + server.dropped == 600
            asleep.close()
            await awake.stop()

    run(story())


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe\n", b"{}\n", b'["pub","x"]\n', b'["pub",1,{}]\n', b"x" * (1 << 21) + b"\n"]
)
def test_garbage_closes_its_own_connection_only(path, garbage):
    async def story():
        async with BusServer(path) as server, BusClient(path) as client:
            listening = Listening(client, "x")
            await subscribed(server, 1)
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(garbage)
            with contextlib.suppress(ConnectionResetError):  # what was not read of it is cut off
                assert await reader.read() == b""
            writer.close()
            await client.publish("x", {})
            await listening.until(1)
            await listening.stop()

    run(story())


def test_the_socket_is_for_its_owner_only_and_a_dead_server_s_file_is_replaced(path):
    async def story():
        path.touch()
        async with BusServer(path):
            assert path.stat().st_mode & 0o777 == 0o600
        assert not path.exists()

    run(story())
