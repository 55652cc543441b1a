"""`zaitu simulate`: many terminals at once, to load a gateway and to count what it acknowledges."""

import json
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import clock
from zaitu.kernel.errors import ZaituError
from zaitu.kernel.principal import system
from zaitu.telemetry.adapters.simulator.drive import Ended, Keeper, SimulatorFailed, Told
from zaitu.telemetry.adapters.simulator.memory import Remembered, memory_read, memory_write
from zaitu.telemetry.adapters.simulator.plan import PROTOCOLS, Plan, PlanError
from zaitu.telemetry.adapters.simulator.processes import drive
from zaitu.telemetry.services import simulated

_ACTOR: Final = system("zaitu simulate")
_SINCE: Final = timedelta(days=9)
"""Test vehicles have their terminals, and their watches begin, so long before they are made: longer than any partition."""


class Command(BaseCommand):
    help = (
        "Drive test vehicles (plates 测A00001 …) against a JT/T 808 gateway: each terminal registers, authenticates and reports its "
        "way along a road of its own. One JSON object a second, and a last one that sums up. `--prepare` lets so many in at this "
        "installation first, `--forget` removes them all with what they sent."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--vehicles", type=int, default=100)
        parser.add_argument("--first", type=int, default=1, help="index of the first vehicle (1 is 测A00001)")
        _add_making(parser)
        _add_target(parser)
        _add_load(parser)
        _add_course(parser)

    def handle(self, *, prepare: bool, forget: bool, **options: Any) -> None:
        try:
            if forget:
                self._forget(options)
            elif prepare:
                self._prepare(options)
            else:
                self._drive(options)
        except (PlanError, SimulatorFailed, ValueError) as error:
            raise CommandError(str(error)) from error
        except ZaituError as error:
            raise CommandError(error.message) from error

    def _forget(self, options: dict[str, Any]) -> None:
        began_s = time.monotonic()
        count = simulated.simulated_forget(actor=_ACTOR)
        options["memory"].unlink(missing_ok=True)
        self._say({"forgotten": count, "seconds": round(time.monotonic() - began_s, 1)})

    def _prepare(self, options: dict[str, Any]) -> None:
        began_s = time.monotonic()
        made = simulated.simulated_prepare(
            actor=_ACTOR,
            first=options["first"],
            count=options["vehicles"],
            from_at=clock.now() - _SINCE,
            watched=options["watched"],
            registered=options["registered"],
        )
        memory = memory_read(options["memory"])
        for index, code in made.codes.items():
            memory[index] = Remembered(code, memory.get(index, Remembered()).last_s)
        memory_write(options["memory"], memory)
        seconds = round(time.monotonic() - began_s, 1)
        self._say({"prepared": made.vehicles, "watches": made.watches, "seconds": seconds})

    def _drive(self, options: dict[str, Any]) -> None:
        plan = _plan(options)
        memory = memory_read(options["memory"])
        keeper = _Printing(self._say)
        stops = {signum: signal.signal(signum, keeper.stop) for signum in (signal.SIGINT, signal.SIGTERM)}
        try:
            ended = drive(plan, memory, keeper)
        except OSError as error:
            raise CommandError(f"{plan.host}: {error.strerror or error}") from error
        finally:
            for signum, before in stops.items():
                signal.signal(signum, before)
        memory_write(options["memory"], memory | ended.memory)
        if options["log"]:
            lines = [f"{terminal}\t{at_s}\t{sent_ns}\n" for terminal, at_s, sent_ns in ended.log]
            options["log"].write_text("".join(lines), "ascii")
        self._say(_summary(ended))
        if ended.told.counts["terminals_refused"] == plan.vehicles:
            raise CommandError("no terminal was let in: prepare the test vehicles first (--prepare)")

    def _say(self, what: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(what, ensure_ascii=False))
        self.stdout.flush()


def _add_making(parser: CommandParser) -> None:
    parser.add_argument(
        "--prepare", action="store_true", help="let the test vehicles in at this installation"
    )
    parser.add_argument(
        "--watched", type=int, default=0, help="with --prepare: so many get a watch, 500 vertices each"
    )
    parser.add_argument(
        "--registered", action="store_true", help="with --prepare: as if the terminals had registered before"
    )
    parser.add_argument("--forget", action="store_true", help="remove all test vehicles and what they sent")
    parser.add_argument(
        "--memory",
        type=Path,
        default=Path(settings.ZAITU_HOME, "simulated.tsv"),
        help="where the terminals keep their codes and how far they have reported",
    )


def _add_target(parser: CommandParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port",
        type=int,
        action="append",
        help="several: terminals take them in turn; default: this installation's",
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, default="2013")
    parser.add_argument("--opening", type=int, default=500, help="connections opened or signed in at once")


def _add_load(parser: CommandParser) -> None:
    parser.add_argument(
        "--rate", type=float, default=0.0, help="fixes a second in all; 0: as fast as acknowledged"
    )
    parser.add_argument("--fixes-per-frame", type=int, default=1, help="more than 1: 0x0704")
    parser.add_argument("--burst", type=int, default=1, help="frames a terminal sends at once")
    parser.add_argument(
        "--backfill", type=float, default=0.0, help="share of the frames sent late, from memory"
    )
    parser.add_argument("--window", type=int, default=64, help="frames of a terminal on their way at most")
    parser.add_argument("--idle", action="store_true", help="heartbeats only")
    parser.add_argument("--heartbeat", type=float, default=60.0, help="with --idle: seconds between two")


def _add_course(parser: CommandParser) -> None:
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm", type=float, default=0.0, help="seconds at the start that are not measured")
    parser.add_argument(
        "--drain", type=float, default=15.0, help="seconds to wait for the last acknowledgements"
    )
    parser.add_argument(
        "--storm", type=float, default=0.0, help="break all connections so many seconds after the start"
    )
    parser.add_argument("--behind", type=float, default=-1.0, help="how many seconds old the first fix is")
    parser.add_argument(
        "--logged", type=int, default=0, help="of so many vehicles (the last) write when each fix was sent"
    )
    parser.add_argument("--log", type=Path, help="to this file: terminal, fix time, monotonic nanoseconds")


def _plan(options: dict[str, Any]) -> Plan:
    return Plan(
        vehicles=options["vehicles"],
        first=options["first"],
        host=options["host"],
        ports=tuple(options["port"] or [settings.ZAITU_JT808_PORT]),
        rate=options["rate"],
        seconds=options["seconds"],
        fixes_per_frame=options["fixes_per_frame"],
        burst=options["burst"],
        backfill=options["backfill"],
        window=options["window"],
        opening=options["opening"],
        protocol=options["protocol"],
        idle=options["idle"],
        heartbeat_s=options["heartbeat"],
        storm_s=options["storm"],
        behind_s=options["behind"],
        warm_s=options["warm"],
        drain_s=options["drain"],
        logged=options["logged"],
    )


class _Printing(Keeper):
    def __init__(self, say: Any) -> None:
        self._say = say
        self._began_s = time.monotonic()
        self._stopping = False

    def stop(self, *_: object) -> None:
        self._stopping = True

    def must_end(self) -> bool:
        return self._stopping

    def progress(self, told: Told) -> None:
        rate = round(told.measured / told.seconds) if told.seconds else 0
        seconds = round(time.monotonic() - self._began_s, 1)
        self._say({"t": seconds, **told.counts, "rate": rate, **told.waits()})


def _summary(ended: Ended) -> dict[str, Any]:
    """`rate`: acknowledged a second in the measured time, and what of our processor one took; `unanswered`: sent and never answered."""
    told, counts = ended.told, ended.told.counts
    return {
        "summary": True,
        "seconds": round(told.seconds, 2),
        **counts,
        "unanswered": counts["sent"] - counts["acked"] - counts["refused"],
        "rate": round(told.measured / told.seconds) if told.seconds else 0,
        "user_us": round(told.user_s / max(told.measured, 1) * 1e6, 2),
        "system_us": round(told.system_s / max(told.measured, 1) * 1e6, 2),
        **told.waits(),
    }
