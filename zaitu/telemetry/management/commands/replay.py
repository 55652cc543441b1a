"""`zaitu replay FILE --columns … --terminal …`: send a recorded trace as a terminal would."""

import asyncio
import io
import math
import time
from argparse import ArgumentTypeError
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import clock
from zaitu.telemetry.adapters.terminal_link import Refused, TerminalLink
from zaitu.telemetry.codecs.jt808.encode import Place, Registration, Uplink
from zaitu.telemetry.codecs.trace import ZONE, TraceError, columns_parse, places_read, text_of, zone_parse

_HEARTBEAT_S: Final = 30.0
_PROGRESS_S: Final = 5.0
_TRIES: Final = 10
_RETRY_S: Final = 2.0
_SHOWN: Final = 20
"""Unreadable rows shown one by one."""


class Command(BaseCommand):
    help = (
        "Send a CSV trace to a JT/T 808 gateway as a terminal would: register, authenticate, heartbeats, positions, "
        "and what fell into a gap of the network afterwards in batches. Ends with how many were acknowledged."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        parser.add_argument(
            "--columns",
            required=True,
            help='which column is what, e.g. lat=latitude,lon=longitude,time=ts,speed=speed:kmh,odometer="km, total":km; '
            "times are seconds, milliseconds, ISO 8601 or as a spreadsheet writes them",
        )
        parser.add_argument(
            "--zone", default=ZONE, help="of times that tell none: Asia/Shanghai (the default), UTC, +08:00"
        )
        parser.add_argument("--terminal", required=True, help="the terminal's number")
        parser.add_argument(
            "--server",
            default="127.0.0.1",
            help="host or host:port of the gateway; without a port the one of ZAITU_JT808_PORT",
        )
        parser.add_argument("--protocol", choices=["2011", "2013", "2019"], default="2013")
        parser.add_argument(
            "--speed", type=_not_negative, default=0.0, help="times real time; 0: as fast as it goes"
        )
        proof = parser.add_mutually_exclusive_group()
        proof.add_argument("--register", action="store_true", help="register first (the default)")
        proof.add_argument("--auth-code", default="", help="the code of an earlier registration")
        parser.add_argument("--terminal-id", default="REPLAY1", help="device id in the registration")
        parser.add_argument("--plate", default="", help="plate in the registration")
        parser.add_argument(
            "--to-now", action="store_true", help="shift all times so that the last fix is now"
        )
        parser.add_argument("--limit", type=_count, default=0, help="only so many rows; 0: all")
        parser.add_argument(
            "--gap",
            action="append",
            default=[],
            metavar="START:SECONDS",
            help="no network from START seconds after the first fix; may be given several times",
        )

    def handle(self, *, file: str, **options: Any) -> None:
        try:
            places = self._places(file, options)
            gaps = [_gap(text) for text in options["gap"]]
            host, port = _address(options["server"])
        except TraceError as error:
            raise CommandError(str(error)) from error
        uplink = Uplink(_number(options["terminal"], options["protocol"]), options["protocol"])
        who = Registration(terminal_id=options["terminal_id"], plate=options["plate"])
        link = TerminalLink(host, port, uplink, who=who, code=options["auth_code"])
        drive = Drive(link, places, gaps, speed=options["speed"], say=self.stdout.write)
        began_s = time.monotonic()
        try:
            asyncio.run(drive.run())
        except (Refused, OSError) as error:
            raise CommandError(f"{host}:{port}: {error}") from error
        except KeyboardInterrupt:
            self.stdout.write("stopped")
        self._summary(link, len(places), time.monotonic() - began_s)

    def _places(self, file: str, options: dict[str, Any]) -> list[Place]:
        places = sorted(self._rows(file, options["columns"], options["zone"]), key=lambda place: place.time)
        if not places:
            raise TraceError(f"{file}: no row can be read")
        places = places[: options["limit"] or None]
        if options["to_now"]:
            shift = clock.now().replace(microsecond=0) - places[-1].time
            places = [replace(place, time=place.time + shift) for place in places]
        return places

    def _rows(self, file: str, columns: str, zone: str) -> list[Place]:
        told, of_times = columns_parse(columns), zone_parse(zone)
        places: list[Place] = []
        bad: list[str] = []
        try:
            lines = io.StringIO(text_of(Path(file).read_bytes()), newline="")
            for one in places_read(lines, told, of_times):
                if isinstance(one, str):
                    bad.append(one)
                else:
                    places.append(one)
        except OSError as error:
            raise TraceError(f"{file}: {error.strerror}") from error
        except TraceError as error:
            raise TraceError(f"{file}: {error}") from error
        for text in bad[:_SHOWN]:
            self.stderr.write(text)
        if len(bad) > _SHOWN:
            self.stderr.write(f"… and {len(bad) - _SHOWN} more")
        if bad:
            self.stderr.write(
                f"{len(bad)} rows cannot be read and are left out; the other {len(places)} are sent"
            )
        return places

    def _summary(self, link: TerminalLink, rows: int, seconds: float) -> None:
        tally = link.tally
        waiting = tally.sent - tally.acknowledged - tally.refused - tally.resent
        self.stdout.write(
            f"{rows} fixes: {tally.sent} sent ({tally.resent} of them again), {tally.acknowledged} acknowledged, "
            f"{tally.refused} refused, {waiting} without an answer, in {seconds:.1f} s"
        )
        if tally.refused or tally.acknowledged < rows:
            raise CommandError("not every fix was acknowledged")


class Drive:
    """A trace on its way: live while there is network, from memory afterwards."""

    def __init__(
        self,
        link: TerminalLink,
        places: list[Place],
        gaps: list[tuple[float, float]],
        *,
        speed: float,
        say: Any,
    ) -> None:
        self._link = link
        self._places = places
        self._gaps = gaps
        self._speed = speed
        self._say = say
        self._memory: list[Place] = []
        self._said_s = time.monotonic()

    async def run(self) -> None:
        """Raises Refused, or OSError when the gateway stays away."""
        beating = asyncio.create_task(self._beat())
        try:
            self._memory += await self._opened()
            await self._drive()
            await self._report(None)
        finally:
            beating.cancel()
            await self._link.close()

    async def _drive(self) -> None:
        began_s, first = time.monotonic(), self._places[0].time
        for place in self._places:
            elapsed_s = (place.time - first) / timedelta(seconds=1)
            if self._speed:
                await asyncio.sleep(max(0.0, began_s + elapsed_s / self._speed - time.monotonic()))
            if any(start <= elapsed_s < start + length for start, length in self._gaps):
                self._memory.append(place)
            else:
                await self._report(place)
            self._progress()

    async def _report(self, place: Place | None) -> None:
        """Empty the memory, then report the newest place; None: nothing new, but wait for every answer."""
        while True:
            try:
                await self._link.report_stored(self._memory)
                await (self._link.report(place) if place else self._link.settle())
            except ConnectionError:
                unsure = await self._opened()
                if place and not any(place is one for one in unsure):
                    self._memory.append(place)
                self._memory[:0] = unsure
                place = None
            else:
                return

    async def _opened(self) -> list[Place]:
        for left in reversed(range(_TRIES)):
            try:
                return await self._link.open()
            except (OSError, TimeoutError):
                if not left:
                    raise
                await asyncio.sleep(_RETRY_S)
        return []

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_S)
            try:
                await self._link.heartbeat()
            except OSError:
                continue

    def _progress(self) -> None:
        if time.monotonic() - self._said_s >= _PROGRESS_S:
            self._said_s = time.monotonic()
            tally = self._link.tally
            self._say(f"{tally.sent} of {len(self._places)} sent, {tally.acknowledged} acknowledged")


def _gap(text: str) -> tuple[float, float]:
    start, _, length = text.partition(":")
    try:
        return _not_negative(start), _not_negative(length)
    except ArgumentTypeError as error:
        raise TraceError(f"a gap is START:SECONDS, not {text!r}") from error


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(settings.ZAITU_JT808_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise TraceError(f"the server is host:port, not {text!r}")
    return host.strip("[]"), int(port)


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"a number, 0 or more, not {text}")
    return value


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"a whole number, 0 or more, not {text}")
    return int(text)


def _number(text: str, protocol: str) -> str:
    digits = 20 if protocol == "2019" else 12
    if not text.isdecimal() or len(text.lstrip("0")) > digits:
        raise CommandError(f"a terminal number has 1 to {digits} digits")
    return text.lstrip("0")
