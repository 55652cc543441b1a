"""`zaitu fleet`: the demo company's trucks on the road, and its people at work, until SIGTERM.

The parent reads which trips are planned and running, and does what the staff would do; its children are terminals and
nothing else: they know no database and speak JT/T 808 to the gateway. They are forked before the parent has threads or a connection,
and it ends when one of them has died: whoever keeps it running starts all of them anew.
"""

import asyncio
import contextlib
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection

from zaitu.config.children import die_with_parent
from zaitu.config.demo.control import tasks
from zaitu.config.demo.setup import home
from zaitu.config.demo.staff import Staff
from zaitu.config.demo.truck import Task, Yard
from zaitu.config.env import env
from zaitu.kernel import heartbeat

log = logging.getLogger(__name__)

PROCESSES: Final = 2
_LOOK_S: Final = 5.0
_STAFF_EVERY: Final = 6
"""Looks between two rounds of the staff: half a minute."""
_KEEP_S: Final = 5.0
_BEAT_S: Final = 2.0
_LOOK_SEEN_S: Final = 0.25
_SEEN_WITHIN_S: Final = 60.0
"""After so long the fleet counts as working, whatever a truck's trouble may be."""


class Command(BaseCommand):
    help = "演示车队：按车次行驶，经 JT/T 808 上报位置（ZAITU_DEMO_SPEED 为加速倍数）"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--yard", type=int, default=None, help="内部使用：第几个终端进程，任务从标准输入读"
        )
        parser.add_argument("--no-staff", action="store_true", help="只开车，不下单、不扫描")

    def handle(self, *, yard: int | None, no_staff: bool, **_: Any) -> None:
        if yard is None:
            _control(staff=not no_staff)
        else:
            asyncio.run(_drive(yard, sys.stdin))


def _control(*, staff: bool) -> None:
    yards = [_YardProcess(number) for number in range(PROCESSES)]
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    threading.Thread(target=_beat, args=(yards, stop), daemon=True).start()
    people: Staff | None = None
    looks = 0
    while not stop.is_set():
        if any(yard.died for yard in yards):
            log.warning("some trucks have stopped; all are started again")
            sys.exit(1)
        try:
            for number, task in enumerate(tasks()):
                yards[number % PROCESSES].give(task)
            if staff and looks % _STAFF_EVERY == 0:
                people = people or Staff()
                people.round()
        except DatabaseError as error:
            log.warning("the fleet waits for the database: %s", type(error).__name__)
        finally:
            connection.close()
        looks += 1
        stop.wait(_LOOK_S)
    for one in yards:
        one.stop()


def _beat(yards: list["_YardProcess"], stop: threading.Event) -> None:
    """Alive once the map shows where the trucks are: whoever opens it at the first moment sees them."""
    began_s = time.monotonic()
    while not all(yard.seen for yard in yards) and time.monotonic() - began_s < _SEEN_WITHIN_S:
        stop.wait(_LOOK_SEEN_S)
    while not stop.is_set():
        heartbeat.beat("fleet")
        stop.wait(_BEAT_S)


class _YardProcess:
    """A child with some of the trucks."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._given: dict[str, Task] = {}
        self._seen = _file(number, "seen")
        self._seen.unlink(missing_ok=True)
        reading, writing = os.pipe()
        self._process = multiprocessing.get_context("fork").Process(
            target=_become_yard, args=(number, reading, writing, die_with_parent(signal.SIGTERM)), daemon=True
        )
        self._process.start()
        os.close(reading)
        self._tasks = os.fdopen(writing, "w")

    @property
    def seen(self) -> bool:
        """Every truck has been acknowledged at least once since we started."""
        return self._seen.exists()

    @property
    def died(self) -> bool:
        return not self._process.is_alive()

    def give(self, task: Task) -> None:
        if self._given.get(task.terminal) != task:
            self._given[task.terminal] = task
            # Should it die just now, it is noticed at the next look.
            with contextlib.suppress(BrokenPipeError):
                self._tasks.write(task.dumped() + "\n")
                self._tasks.flush()

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()


def _become_yard(number: int, reading: int, writing: int, tie: Callable[[], None]) -> None:
    tie()
    os.close(writing)
    with os.fdopen(reading) as tasks:
        asyncio.run(_drive(number, tasks))


async def _drive(number: int, given: IO[str]) -> None:
    """Drive the tasks that come, a line each, until there are no more."""
    memory = _file(number, "json")
    host = settings.ZAITU_JT808_HOST
    yard = Yard(
        address=("127.0.0.1" if host == "0.0.0.0" else host, settings.ZAITU_JT808_PORT),  # noqa: S104  compared, not bound
        speed=env().demo_speed,
        remembered=_read(memory),
        keep=lambda instants: _write(memory, instants),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    keeping = asyncio.create_task(_keep(yard, _file(number, "seen").touch))
    hearing = asyncio.create_task(_hear(yard, given, stop))
    await stop.wait()
    keeping.cancel()
    hearing.cancel()
    await yard.close()


async def _hear(yard: Yard, given: IO[str], stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), given)
    while line := await reader.readline():
        yard.give(Task.loaded(json.loads(line)))
    stop.set()


async def _keep(yard: Yard, say_seen: Callable[[], None]) -> None:
    """Remember now and then what was reported; say once when every truck has been seen."""
    seen, since_s = False, 0.0
    while True:
        await asyncio.sleep(_LOOK_SEEN_S)
        since_s += _LOOK_SEEN_S
        if yard.seen and not seen:
            say_seen()
            seen = True
        if since_s >= _KEEP_S:
            yard.keep()
            since_s = 0.0


def _file(number: int, kind: str) -> Path:
    folder = home().path / "demo"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"yard-{number}.{kind}"


def _read(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _write(path: Path, instants: dict[str, str]) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(instants), encoding="ascii")
    aside.replace(path)
