"""The cache before the tracking documents, in one web process.

Kept true by the relay's notifications, emptied when they were interrupted, and never older than five seconds. Live fixes come over the
bus. What strangers see of a vehicle is sampled once a minute, and the sample is shared with the other web processes.
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from zaitu.journey import public as journey
from zaitu.kernel import db, logs
from zaitu.kernel.bus import BusClient

FRESH_S: Final = 5.0
"""Oldest a cached document may be, should a notification be lost."""
SAMPLE_S: Final = 60.0
"""A stranger's position changes at most this often."""
_WATCHED_S: Final = 0.5
_WATCHED_AGAIN_S: Final = 5.0
_ENTRIES: Final = 20_000
_VEHICLES: Final = 50_000

log = logs.logger("portal.tracker")


class Entry:
    """What is known about one number in one language; `tracked` is None for a number that does not exist."""

    __slots__ = ("fresh", "tracked", "until")

    def __init__(self) -> None:
        self.tracked: journey.Tracked | None = None
        self.fresh = False
        """True from when it was read until something about the shipment changes."""
        self.until = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What strangers see of a vehicle until `until` (monotonic)."""

    trip: str
    position: "journey.Position"
    until: float


class Watch:
    """One reader's wish to be woken."""

    __slots__ = ("_subjects", "_watchers", "news")

    def __init__(self, watchers: defaultdict[str, set[asyncio.Event]]) -> None:
        self.news = asyncio.Event()
        """Set when something is new; the reader clears it before looking."""
        self._watchers = watchers
        self._subjects: frozenset[str] = frozenset()

    def follow(self, *subjects: str) -> None:
        """From now on these (`shipment:ZT…`, `vehicle:42`) and nothing else."""
        wanted = frozenset(subjects)
        for subject in self._subjects - wanted:
            self._watchers[subject].discard(self.news)
            if not self._watchers[subject]:
                del self._watchers[subject]
        for subject in wanted - self._subjects:
            self._watchers[subject].add(self.news)
        self._subjects = wanted


class Tracker:
    """Belongs to one event loop; `start` before use."""

    def __init__(self) -> None:
        self.reader = journey.TrackReader()
        self._entries: dict[tuple[str, str], Entry] = {}
        self._fixes: dict[int, dict[str, Any]] = {}
        self._samples: dict[int, Sample] = {}
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._talks: dict[str, int] = {}
        self._forgotten = 0
        self._bus = BusClient(settings.ZAITU_BUS_PATH)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._bus.start()
        self._tasks = [
            asyncio.create_task(db.listen("zaitu_changed", self.changed, self.forget)),
            asyncio.create_task(self._hear("fix.*", self.heard)),
            asyncio.create_task(self._hear("coarse.*", self._sampled)),
            asyncio.create_task(self._say_who_is_watched()),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._bus.close()
        await self.reader.close()

    # Documents

    async def find(self, waybill: str, *, lang: str) -> Entry:
        """The entry of a number. Raises Unavailable while the database does not answer."""
        key = (waybill, lang)
        entry = self._entries.get(key)
        if entry is not None and entry.fresh and entry.until > time.monotonic():
            return entry
        # Put in before the read: a change notified meanwhile takes it out, and what was read is then not believed again.
        entry = self._entries[key] = Entry()
        if len(self._entries) > _ENTRIES:
            del self._entries[next(iter(self._entries))]
        entry.tracked = await self.reader.find(waybill, lang=lang)
        entry.until = time.monotonic() + FRESH_S
        entry.fresh = self._entries.get(key) is entry
        return entry

    def changed(self, payload: str) -> None:
        """The relay's notification: a JSON list of subjects."""
        for subject in json.loads(payload):
            kind, _, waybill = str(subject).partition(":")
            if kind == "desk" and subject in self._watchers:
                self._talks[waybill] = self._talks.get(waybill, 0) + 1
                if len(self._talks) > _ENTRIES:
                    del self._talks[next(iter(self._talks))]
                self._wake(subject)
            if kind != "shipment":
                continue
            for lang in ("zh", "en"):
                entry = self._entries.pop((waybill, lang), None)
                if entry is not None:
                    entry.fresh = False
            self._wake(subject)

    def forget(self) -> None:
        """After notifications may have been missed nothing in the cache is believed."""
        for entry in self._entries.values():
            entry.fresh = False
        self._entries.clear()
        self._forgotten += 1
        for subject in list(self._watchers):
            self._wake(subject)

    def talks(self, waybill: str) -> tuple[int, int]:
        """Differs from before when something may have been said about the shipment, while it is watched as `desk:…`."""
        return self._forgotten, self._talks.get(waybill, 0)

    # Positions

    def heard(self, told: dict[str, Any]) -> None:
        """What the bus says of vehicles: one fix, or many."""
        for fix in told.get("fixes", (told,)):
            self.fixed(fix)

    def fixed(self, fix: dict[str, Any]) -> None:
        """A live fix; older ones than known are dropped."""
        vehicle_id = int(fix["vehicle_id"])
        known = self._fixes.get(vehicle_id)
        if known is not None and known["at"] >= fix["at"]:
            return
        self._fixes[vehicle_id] = fix
        if len(self._fixes) > _VEHICLES:
            del self._fixes[next(iter(self._fixes))]
        self._wake(f"vehicle:{vehicle_id}")

    def exact(self, tracked: "journey.Tracked") -> "journey.Position | None":
        """The newest fix of the vehicle the shipment is in; None when it is in none."""
        if tracked.vehicle_id is None:
            return None
        live = self._fixes.get(tracked.vehicle_id)
        if live is None or live.get("lat") is None:
            return tracked.fix
        at = datetime.fromisoformat(live["at"])
        if (tracked.fix is not None and tracked.fix.at >= at) or (tracked.since and at < tracked.since):
            return tracked.fix
        return journey.Position(
            lat=live["lat"],
            lon=live["lon"],
            precision_m=journey.EXACT_PRECISION_M,
            at=at,
            course_deg=live.get("course_deg"),
            along_m=live.get("along_m") if live.get("trip") == tracked.trip else None,
        )

    async def coarse(self, tracked: "journey.Tracked") -> tuple["journey.Position | None", float]:
        """What strangers see, and until when (monotonic) it is all they see."""
        if tracked.vehicle_id is None:
            return None, float("inf")
        sample = self._current(tracked)
        if sample is None:
            fix = self.exact(tracked)
            if fix is None:
                return None, time.monotonic() + FRESH_S
            route = await self.reader.route(tracked.trip_id)
            # Another request may have sampled while the route was read.
            sample = self._current(tracked)
            if sample is None:
                sample = Sample(
                    tracked.trip, journey.position_coarse(fix, route), time.monotonic() + SAMPLE_S
                )
                self._keep(tracked.vehicle_id, sample)
                await self._share(tracked.vehicle_id, sample)
        return sample.position, sample.until

    def _current(self, tracked: "journey.Tracked") -> Sample | None:
        assert tracked.vehicle_id is not None  # noqa: S101  asked by `coarse` only
        sample = self._samples.get(tracked.vehicle_id)
        if sample is None or sample.trip != tracked.trip or sample.until <= time.monotonic():
            return None
        return sample

    def _keep(self, vehicle_id: int, sample: Sample) -> None:
        self._samples[vehicle_id] = sample
        if len(self._samples) > _VEHICLES:
            del self._samples[next(iter(self._samples))]

    async def _share(self, vehicle_id: int, sample: Sample) -> None:
        place = sample.position
        await self._bus.publish(
            f"coarse.{vehicle_id}",
            {
                "vehicle_id": vehicle_id,
                "trip": sample.trip,
                "lat": place.lat,
                "lon": place.lon,
                "precision_m": place.precision_m,
                "at": place.at.isoformat(),
                "along_m": place.along_m,
                "left_s": sample.until - time.monotonic(),
            },
        )

    def _sampled(self, told: dict[str, Any]) -> None:
        """Another web process has sampled this vehicle; the first sample of a minute is everybody's."""
        known = self._samples.get(told["vehicle_id"])
        if known is not None and known.trip == told["trip"] and known.until > time.monotonic():
            return
        position = journey.Position(
            lat=told["lat"],
            lon=told["lon"],
            precision_m=told["precision_m"],
            at=datetime.fromisoformat(told["at"]),
            along_m=told["along_m"],
        )
        until = time.monotonic() + min(SAMPLE_S, float(told["left_s"]))
        self._keep(told["vehicle_id"], Sample(told["trip"], position, until))

    # News

    @contextlib.contextmanager
    def watch(self) -> Iterator["Watch"]:
        """Somebody who wants to know of news; say of what with `follow`."""
        watch = Watch(self._watchers)
        try:
            yield watch
        finally:
            watch.follow()

    async def _say_who_is_watched(self) -> None:
        """So that of a fleet too large to be told one by one these vehicles are told at once."""
        process, said, said_s = uuid.uuid4().hex, None, 0.0
        while True:
            vehicles = sorted(
                int(subject.removeprefix("vehicle:"))
                for subject in self._watchers
                if subject.startswith("vehicle:") and subject != "vehicle:None"
            )
            now_s = time.monotonic()
            if vehicles != said or (vehicles and now_s > said_s + _WATCHED_AGAIN_S):
                await self._bus.publish("watching", {"process": process, "vehicles": vehicles})
                said, said_s = vehicles, now_s
            await asyncio.sleep(_WATCHED_S)

    def _wake(self, subject: str) -> None:
        for event in self._watchers.get(subject, ()):
            event.set()

    async def _hear(self, pattern: str, handle: Any) -> None:
        async for topic, payload in self._bus.subscribe(pattern):
            try:
                handle(payload)
            except (KeyError, TypeError, ValueError) as error:
                log.warning("a bus message was not understood", topic=topic, error=type(error).__name__)
