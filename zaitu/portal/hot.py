"""The hot path, bare ASGI: `GET /api/v1/track/{waybill}` and its live stream `/api/v1/track/{waybill}/live`.

A warm answer to a stranger is one dictionary look-up. Everything else (tails, links, keys, unknown numbers) takes the long way through
visits.py, where the rules are.
"""

import asyncio
import contextlib
import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any, Final

from zaitu.journey import public as journey
from zaitu.kernel import logs
from zaitu.kernel.errors import RateLimited, Unavailable, ZaituError
from zaitu.portal import asked, details, grants, wire
from zaitu.portal.misses import misses
from zaitu.portal.tracker import Entry, Tracker, Watch
from zaitu.portal.visits import Visit, Visits
from zaitu.portal.wire import Question, Receive, Scope, Send

STREAMS_PER_ADDRESS: Final = 40
STREAMS: Final = 5_000
PING_S: Final = 15.0
_ANSWERS: Final = 20_000
_TELL_S: Final = 1.0
"""How often warm answers are told to the metrics."""
_LONGEST_PATH: Final = 200
"""Longer addresses are answered but not kept."""


log = logs.logger("portal.hot")


@dataclass(slots=True)
class Answer:
    """A stranger's answer, ready to send."""

    entry: Entry
    until: float
    etag: bytes
    start: dict[str, Any]
    body: dict[str, Any]
    ready: bytes
    """Both together as they go over the wire, for a server that can send them without being asked to (config/ready.py)."""


class Hot:
    """The state of one web process: tracker, ready answers, open streams. Belongs to one event loop."""

    def __init__(self) -> None:
        self.tracker = Tracker()
        self.visits = Visits(self.tracker)
        self._answers: dict[bytes, Answer] = {}
        self._streams: dict[str, int] = {}
        self._warm = asked.Warm(asked.API)
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.tracker.start()
        self._telling = asyncio.create_task(self._tell_warm())

    async def _tell_warm(self) -> None:
        while True:
            await asyncio.sleep(_TELL_S)
            self._warm.tell()

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        self._warm.tell()
        await self.tracker.stop()
        self.visits.stop()

    # One answer

    async def track(self, scope: Scope, send: Send) -> None:
        query = scope["query_string"]
        path = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
        answer = self._answers.get(path)
        if (
            answer is not None
            and answer.entry.fresh
            and answer.until > time.monotonic()
            and scope["method"] == "GET"
            and not (misses.blocked and wire.address_of(scope) in misses.blocked)
        ):
            for name, _value in scope["headers"]:
                if name in (b"authorization", b"if-none-match"):
                    break
            else:
                self._warm.count += 1
                await send(answer.start)
                await send(answer.body)
                return
        await self._track_slowly(path, scope, send)

    def ready(self, url: bytes) -> bytes | None:
        """What `track` would answer to a plain GET, when that is known; None while any address is blocked for its misses."""
        answer = self._answers.get(url)
        if (
            answer is None
            or not answer.entry.fresh
            or answer.until <= time.monotonic()
            or misses.any_blocked()
        ):
            return None
        self._warm.count += 1
        return answer.ready

    async def _track_slowly(self, path: bytes, scope: Scope, send: Send) -> None:
        began = time.monotonic()
        question = wire.question_of(scope)
        try:
            wire.must_be(scope, "GET", "HEAD")
            visit = await self.visits.visit(question)
            if visit.exact:
                body = await self._exact_body(question, visit.tracked)
                await wire.send_json(send, body, (b"cache-control", b"private, no-store"))
                asked.asked(asked.API, asked.ANSWERED, time.monotonic() - began)
                return
            answer = await self._stranger_answer(visit)
        except ZaituError as error:
            asked.asked(asked.API, asked.outcome_of(error), 0)
            await wire.send_problem(send, error, question.lang)
            return
        if len(path) < _LONGEST_PATH and not question.key:
            self._answers[path] = answer
            if len(self._answers) > _ANSWERS:
                del self._answers[next(iter(self._answers))]
        known = wire.header(scope, b"if-none-match")
        if answer.etag in known or known.strip() == b"*":
            await wire.send_not_modified(send, answer.etag)
        else:
            await send(answer.start)
            await send(answer.body)
        asked.asked(asked.API, asked.ANSWERED, time.monotonic() - began)

    async def _stranger_answer(self, visit: Visit) -> Answer:
        position, until = await self.tracker.coarse(visit.tracked)
        body = journey.track_answer(visit.tracked.api, position).encode()
        etag = b'"%s"' % hashlib.blake2b(body, digest_size=9).hexdigest().encode()
        headers = [
            wire.JSON,
            wire.length(body),
            wire.NOSNIFF,
            (b"cache-control", b"no-cache"),
            (b"etag", etag),
        ]
        return Answer(
            entry=visit.entry,
            until=min(until, visit.entry.until),
            etag=etag,
            start={"type": "http.response.start", "status": 200, "headers": headers},
            body={"type": "http.response.body", "body": body},
            ready=b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n" + body,
        )

    async def _exact_body(self, question: Question, tracked: journey.Tracked) -> bytes:
        head = journey.track_answer(tracked.api, self.tracker.exact(tracked))
        more = await self.visits.in_thread(lambda: details.details_json(tracked, lang=question.lang))
        return f'{head.removesuffix("}")},"details":{more}}}'.encode()

    # The stream

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = wire.question_of(scope, stream=True)
        try:
            wire.must_be(scope, "GET")
            visit = await self.visits.visit(question)
            self._open_stream(question.address)
        except ZaituError as error:
            await wire.send_problem(send, error, question.lang)
            return
        streaming = asyncio.create_task(self._stream(question, visit.tracked, send))
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({streaming, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            streaming.cancel()
            gone.cancel()
            await asyncio.gather(streaming, gone, return_exceptions=True)
            self._close_stream(question.address)

    def _open_stream(self, address: str) -> None:
        if sum(self._streams.values()) >= STREAMS:
            raise Unavailable("实时连接已满，请稍后再试")
        if self._streams.get(address, 0) >= STREAMS_PER_ADDRESS:
            raise RateLimited("实时连接太多，请关闭其他页面", retry_after_s=30)
        self._streams[address] = self._streams.get(address, 0) + 1

    def _close_stream(self, address: str) -> None:
        left = self._streams[address] - 1
        if left:
            self._streams[address] = left
        else:
            del self._streams[address]

    async def _stream(self, question: Question, tracked: journey.Tracked, send: Send) -> None:
        """`track` with the whole answer when something happened, `position` when only the truck has moved on.

        The id of `track` is the document's version. `talk` tells parties, without a word of it, that something was said. Who may see what is asked again at each turn: a revoked link ends the details.
        """
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            wire.NOSNIFF,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        shown = await self._shown(question, tracked)
        await _event(send, b"retry: 3000\n" + _track_event(shown))
        said_s, talks = time.monotonic(), self.tracker.talks(shown.tracked.waybill)
        with self.tracker.watch() as watch:
            watch.news.set()  # something may have happened before we listened
            while True:
                waybill = shown.tracked.waybill
                watch.follow(f"shipment:{waybill}", f"vehicle:{shown.tracked.vehicle_id}", f"desk:{waybill}")
                # Counted from what was last said, not from what was last heard: of most fixes a stranger is told nothing.
                left_s = max(0.0, said_s + PING_S - time.monotonic())
                before, shown = shown, await self._news(question, watch, shown, within_s=left_s)
                if shown.exact and talks != self.tracker.talks(waybill):
                    talks = self.tracker.talks(waybill)
                    await _event(send, b"event: talk\ndata: {}\n\n")
                if (shown.tracked.version, shown.exact) != (before.tracked.version, before.exact):
                    told = _track_event(shown)
                elif shown.position != before.position:
                    told = _position_event(shown)
                elif time.monotonic() >= said_s + PING_S:
                    told = b": still here\n\n"
                else:
                    continue
                await _event(send, told)
                said_s = time.monotonic()

    async def _news(self, question: Question, watch: Watch, shown: "Shown", *, within_s: float) -> "Shown":
        """What is to be shown after the next news, or after a while without any."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watch.news.wait(), within_s)
        watch.news.clear()
        try:
            entry = await self.tracker.find(shown.tracked.waybill, lang=question.lang)
        except Unavailable:
            return shown
        return await self._shown(question, entry.tracked or shown.tracked)

    async def _shown(self, question: Question, tracked: journey.Tracked) -> "Shown":
        exact = await self._still_exact(question, tracked)
        position = self.tracker.exact(tracked) if exact else (await self.tracker.coarse(tracked))[0]
        return Shown(tracked, exact, position)

    async def _still_exact(self, question: Question, tracked: journey.Tracked) -> bool:
        if question.tail:
            return grants.tail_opens(question.tail, tracked.tails)
        holder = await self.visits.key_holder(question.key) if question.key else None
        return bool(await self.visits.opens(question, holder, tracked))


@dataclass(frozen=True, slots=True)
class Shown:
    tracked: journey.Tracked
    exact: bool
    position: journey.Position | None


def _track_event(shown: Shown) -> bytes:
    body = journey.track_answer(shown.tracked.api, shown.position)
    return f"event: track\nid: {shown.tracked.version}\ndata: {body}\n\n".encode() + _position_event(shown)


def _position_event(shown: Shown) -> bytes:
    """The position with what a map needs beyond the API's: course and metres along the route."""
    place = shown.position
    told = None if place is None else details.position_view(place)
    return f"event: position\ndata: {json.dumps(told, separators=(',', ':'))}\n\n".encode()


async def _event(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Tracking:
    """The ASGI application of everything under `/api/v1/track/`; its state is made at first use, in the server's event loop."""

    def __init__(self) -> None:
        self._states: dict[asyncio.AbstractEventLoop, Hot] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = self._states.get(asyncio.get_running_loop())
        if hot is None:
            hot = self._states[asyncio.get_running_loop()] = Hot()
            await hot.start()
        begun = False

        async def noted(message: dict[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if scope["path"].endswith("/live"):
                await hot.live(scope, receive, noted)
            else:
                await hot.track(scope, noted)
        except Exception:
            if begun:
                raise
            # Beside Django nobody else would turn a mistake of ours into a problem document.
            log.exception("a tracking answer failed")
            await wire.send_problem(send, ZaituError(code="server_error"), "zh")

    def ready(self, url: bytes) -> bytes | None:
        """A whole answer that needs no asking (config/ready.py); called by the server in its event loop."""
        hot = self._states.get(asyncio.get_running_loop())
        return None if hot is None else hot.ready(url)

    async def stop(self) -> None:
        """End the background reading; for the server's lifespan."""
        hot = self._states.pop(asyncio.get_running_loop(), None)
        if hot is not None:
            await hot.stop()


application = Tracking()
