"""One message to WeChat: the token, the credit, the exchange, and what is made of its answer. Service account and mini-program share it."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
from django.conf import settings

import zaitu
from zaitu.kernel import clock
from zaitu.notify.channels.wechat import agreed, answers
from zaitu.notify.channels.wechat.apps import App
from zaitu.notify.channels.wechat.limits import CONNECT_S, TIMEOUT_S
from zaitu.notify.channels.wechat.tokens import Tokens
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.fields import DoesNotFit, fitted
from zaitu.notify.domain.parcels import Parcel

NO_CREDIT: Final = "没有订阅次数"


class Client:
    def __init__(self, app: App) -> None:
        self._app = app
        self._http = httpx.Client(
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S),
            headers={"user-agent": f"Zaitu/{zaitu.__version__}"},
            follow_redirects=False,
        )
        self._tokens = Tokens(app, self._http)

    def send(self, parcel: Parcel, *, path: str, more: Mapping[str, Any], credit: bool) -> Answer:
        """Hand it over. `more`: the body beside receiver, template and fields; `credit`: whether it uses one up."""
        if not parcel.said.code or not parcel.said.fields:
            return Answer(verdict=Verdict.NEVER, note="没有配置微信模板")
        try:
            values = fitted(parcel.said.fields, year=clock.local(parcel.at).year)
        except DoesNotFit as error:
            return Answer(verdict=Verdict.NEVER, reason="47003", note=f"模板字段 {error} 填不下要说的内容")
        body = {
            "touser": parcel.address,
            "template_id": parcel.said.code,
            "data": {name: {"value": value} for name, value in values.items()},
            **more,
        }
        whose = (parcel.channel, parcel.address, parcel.said.code)
        if credit and not agreed.take(*whose):
            return Answer(verdict=Verdict.NEVER, note=NO_CREDIT)
        answer, errcode, untouched = self._exchange(path, body)
        if credit:
            if errcode == answers.REFUSED:
                agreed.none_left(*whose)
            elif untouched:
                agreed.give_back(*whose)
            elif answer.verdict is Verdict.TAKEN and not answer.ref:
                return _named(answer, parcel)
        return answer

    def close(self) -> None:
        self._http.close()

    def _exchange(self, path: str, body: Mapping[str, Any]) -> tuple[Answer, int | None, bool]:
        """(answer, errcode, whether the message was surely not taken)."""
        token = self._tokens.get()
        for last in (False, True):
            if isinstance(token, Answer):
                return token, None, True
            try:
                reply = self._http.post(
                    f"{settings.ZAITU_WECHAT_URL}{path}", params={"access_token": token}, json=body
                )
            except (httpx.HTTPError, OSError) as error:
                answer, untouched = answers.of_error(error)
                return answer, None, untouched
            answer, errcode = answers.of_reply(reply.status_code, reply.content)
            if errcode not in answers.STALE_TOKEN or last:
                break
            token = self._tokens.instead_of(token)
        return answer, errcode, errcode not in {None, 0}


def _named(answer: Answer, parcel: Parcel) -> Answer:
    """WeChat does not always name a subscription message; its receipt says to whom and of which template it was."""
    key = agreed.message_key(parcel.channel, parcel.address, parcel.said.code)
    return Answer(
        verdict=answer.verdict,
        code=answer.code,
        note=answer.note,
        ref=f"{key}{parcel.id[:16]}:{parcel.claim}",
    )
