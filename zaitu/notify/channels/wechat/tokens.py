"""One access token for all processes: kept in a row, renewed by one process at a time.

Each app has one token at a time in WeChat's eyes; two processes that renew it by themselves would take it from each other.
"""

import threading
from datetime import datetime, timedelta

import httpx
from django.conf import settings
from django.db import transaction

from zaitu.kernel import clock
from zaitu.notify.channels.wechat import answers
from zaitu.notify.channels.wechat.apps import App
from zaitu.notify.channels.wechat.limits import FORCED_EVERY_S, TOKEN_MARGIN_S
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.models import ProviderToken


class Tokens:
    """Used by several threads at once."""

    def __init__(self, app: App, http: httpx.Client) -> None:
        self._app, self._http = app, http
        self._lock = threading.Lock()
        self._known: tuple[str, str, datetime] | None = None
        """(app, token, until when it need not be looked up)"""
        self._failed: tuple[datetime, Answer] | None = None
        """When a token was last asked for in vain, and the answer."""

    def get(self) -> str | Answer:
        """The token, or why there is none."""
        with self._lock:
            known = self._known
        if known is not None and known[0] == self._app.key and clock.now() < known[2]:
            return known[1]
        return self._kept("")

    def instead_of(self, stale: str) -> str | Answer:
        """Another token, since WeChat does not take this one: what another process has got meanwhile, or a new one."""
        return self._kept(stale)

    def _kept(self, stale: str) -> str | Answer:
        since = clock.now()
        with transaction.atomic():
            ProviderToken.objects.get_or_create(app=self._app.key)
            row = ProviderToken.objects.select_for_update().get(app=self._app.key)
            # Whoever has waited here for one that got nothing would only wait for nothing once more.
            failed = self._failed
            found = failed[1] if failed and failed[0] >= since else self._renewed(row, stale)
            # Inside the transaction, so that what went wrong is kept too: nobody forces again at once.
            row.save(update_fields=["token", "expires_at", "renew_at", "forced_at"])
        with self._lock:
            fine = isinstance(found, str) and row.renew_at is not None
            self._known = (self._app.key, row.token, row.renew_at) if fine and row.renew_at else None
        return found

    def _renewed(self, row: ProviderToken, stale: str) -> str | Answer:
        """The row is locked, and changed."""
        now = clock.now()
        if row.token and row.token != stale and row.renew_at is not None and now < row.renew_at:
            return row.token
        force = bool(stale) and row.token == stale
        if force:
            if row.forced_at is not None and now - row.forced_at < timedelta(seconds=FORCED_EVERY_S):
                return Answer(verdict=Verdict.PAUSE, rests=True, note="微信令牌刚换过，仍不被接受")
            row.forced_at = now
        asked = self._asked(force=force)
        if isinstance(asked, Answer):
            self._failed = (clock.now(), asked)
            alive = row.token and row.token != stale and row.expires_at is not None and now < row.expires_at
            return row.token if alive else asked
        token, lives_s = asked
        row.token = token
        row.expires_at = now + timedelta(seconds=lives_s)
        # A tenth at least, so that a token near its end is not asked for at each message.
        row.renew_at = row.expires_at - timedelta(seconds=min(TOKEN_MARGIN_S, lives_s // 10))
        return token

    def _asked(self, *, force: bool) -> tuple[str, int] | Answer:
        try:
            reply = self._http.post(
                f"{settings.ZAITU_WECHAT_URL}/cgi-bin/stable_token",
                json={
                    "grant_type": "client_credential",
                    "appid": self._app.appid,
                    "secret": self._app.secret,
                    "force_refresh": force,
                },
            )
        except (httpx.HTTPError, OSError) as error:
            return Answer(verdict=Verdict.PAUSE, rests=True, note=f"取不到微信令牌，{answers.fault(error)}")
        return answers.token_of(reply.status_code, reply.content)
