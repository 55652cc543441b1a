"""The page on which a person says how they want to be told. Whoever has its address may: it stands in their messages."""

import re
from dataclasses import replace
from datetime import time
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from zaitu.kernel.addresses import client_network
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.notify import public as notify
from zaitu.portal.misses import misses

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_CHANNELS: Final = {
    "mini": gettext_lazy("微信小程序"),
    "wechat": gettext_lazy("微信公众号"),
    "push": gettext_lazy("浏览器提醒"),
    "sms": gettext_lazy("短信"),
    "email": gettext_lazy("邮件"),
}
_TOPICS: Final = {
    notify.Topic.PROGRESS: gettext_lazy("下单、发车和途经"),
    notify.Topic.ARRIVAL: gettext_lazy("即将送达和签收"),
}
DIGESTS: Final = {"": (), "18": (time(18),), "9-18": (time(9), time(18))}
"""By the form's word."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    misses.refuse(client_network(request))
    try:
        view = notify.preference_by_link(token=token)
    except NotFound:
        misses.count(client_network(request))
        return render(request, "portal/preferences_gone.html", status=404)
    if request.method != "POST":
        return _page(request, view, view.preference)
    wanted, wrong = wanted_of(request.POST, view)
    try:
        if not wrong:
            notify.preference_put_by_link(token=token, wanted=wanted)
    except Invalid as error:
        wrong = dict(error.fields)
    if wrong:
        return _page(request, view, wanted, wrong=wrong, status=422)
    return HttpResponseRedirect(f"{request.path}?saved=1", status=303)


def wanted_of(form: QueryDict, view: notify.PreferenceView) -> tuple[notify.Preference, dict[str, str]]:
    """What the form says, and what cannot be read, by field."""
    wrong: dict[str, str] = {}
    quiet = [_time(form.get(name, "")) for name in ("quiet_from", "quiet_until")]
    if form.get("quiet") != "on":
        quiet = [time(0), time(0)]
    elif None in quiet:
        wrong["quiet"] = _("请把时间写成 22:00 这样")
    chosen = tuple(one for one in view.channels if one.value in form.getlist("channels"))
    if form.get("way") == "chosen" and not chosen:
        wrong["channels"] = _("请至少选一种方式")
    start, end = quiet
    return (
        replace(
            view.preference,
            channels=chosen if form.get("way") == "chosen" else (),
            quiet_from=start or time(0),
            quiet_until=end or time(0),
            digests=DIGESTS.get(form.get("digest", ""), ()),
            off=frozenset(notify.Topic)
            - {one for one in notify.Topic if one.value in form.getlist("topics")},
        ),
        wrong,
    )


def _page(
    request: HttpRequest,
    view: notify.PreferenceView,
    shown: notify.Preference,
    *,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "view": view,
        "shown": shown,
        "channels": [(one.value, _CHANNELS[one.value], one in shown.channels) for one in view.channels],
        "topics": [(one.value, _TOPICS[one], one not in shown.off) for one in notify.Topic],
        "quiet": shown.quiet_from != shown.quiet_until,
        "digest": next((word for word, at in DIGESTS.items() if at == shown.digests), ""),
        "wrong": wrong or {},
        "saved": "saved" in request.GET and not wrong,
    }
    return render(request, "portal/preferences.html", context, status=status)


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text.strip())
    return time(int(found[1]), int(found[2])) if found else None
