"""One try to write one message into a group of staff."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import httpx

import zaitu
from zaitu.kernel import clock
from zaitu.notify.channels.dingtalk.send import DingTalk
from zaitu.notify.channels.feishu.send import Feishu
from zaitu.notify.channels.robot.turns import pause, turn, worked
from zaitu.notify.channels.robots import Robot, Words
from zaitu.notify.channels.wecom.send import WeCom
from zaitu.notify.domain.alerts import plain
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.parcels import Parcel

TIMEOUT_S: Final = 10.0
_UNKNOWN_WAIT_S: Final = 60


class Sender:
    """Whichever provider the robot's row names."""

    provider = "robot"

    def __init__(self) -> None:
        self._robots: Mapping[str, Robot] = {one.provider: one for one in (WeCom(), DingTalk(), Feishu())}
        self._http = httpx.Client(
            timeout=TIMEOUT_S, headers={"user-agent": f"Zaitu/{zaitu.__version__}"}, follow_redirects=False
        )

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; never raises for what a provider may do."""
        robot = self._robots.get(parcel.provider)
        if robot is None:
            return Answer(verdict=Verdict.NEVER, note="机器人已停用或已删除")
        robot_id = int(parcel.person.removeprefix("robot:"))
        wait_s = turn(robot_id, robot.rates, clock.now())
        if wait_s > 0:
            return Answer(
                verdict=Verdict.PAUSE,
                note="机器人每分钟的条数已满，稍后发送",
                retry_after_s=math.ceil(wait_s),
                provider=robot.provider,
            )
        answer = self._offered(robot, parcel)
        if answer.verdict is Verdict.TAKEN:
            worked(robot_id, clock.now())
        elif answer.retry_after_s and not answer.rests:
            pause(robot_id, clock.now() + timedelta(seconds=answer.retry_after_s))
        return answer

    def tidy(self) -> None: ...

    def close(self) -> None:
        self._http.close()

    def _offered(self, robot: Robot, parcel: Parcel) -> Answer:
        call = robot.call(parcel, words(parcel), clock.now())
        try:
            reply = self._http.post(call.url, params=dict(call.query), json=call.body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            # Only this robot's provider is away; those of others go on.
            return Answer(
                verdict=Verdict.PAUSE,
                note=f"连接不上{robot.name}",
                retry_after_s=15,
                provider=robot.provider,
            )
        except (httpx.HTTPError, OSError):
            return Answer(
                verdict=Verdict.RETRY,
                note=f"{robot.name}没有及时回应，可能已发出",
                retry_after_s=_UNKNOWN_WAIT_S,
                provider=robot.provider,
            )
        answer = _read(robot, reply)
        return Answer(
            verdict=answer.verdict,
            note=answer.note[:300],
            code=answer.code,
            reason=answer.reason,
            retry_after_s=answer.retry_after_s,
            gone=answer.gone,
            provider=robot.provider,
        )


def words(parcel: Parcel) -> Words:
    """The alert's, or those of a test."""
    given = parcel.words
    title = str(given.get("title", "")) or parcel.said.text
    return Words(title=plain(title), text=plain(str(given.get("text", ""))), link=str(given.get("link", "")))


def _read(robot: Robot, reply: httpx.Response) -> Answer:
    found: Any = None
    try:
        found = reply.json()
    except ValueError:
        found = None
    if reply.status_code == 429:
        return Answer(
            verdict=Verdict.PAUSE, code=429, note=f"{robot.name}要求放慢（HTTP 429）", retry_after_s=60
        )
    if not isinstance(found, dict):
        wait = 60 if reply.status_code >= 500 else None
        return Answer(
            verdict=Verdict.RETRY,
            code=reply.status_code,
            note=f"{robot.name}回应 HTTP {reply.status_code}，没有结果",
            retry_after_s=wait,
        )
    return robot.answer(reply.status_code, found)
