"""The form in which a person, or staff for them, says how they want to be told. Two doors show it."""

import re
from dataclasses import replace
from datetime import time
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zaitu.notify import public as notify

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
CHANNELS: Final = {
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


def shown(
    view: notify.PreferenceView, preference: notify.Preference, wrong: dict[str, str]
) -> dict[str, Any]:
    """What `ui/preference_fields.html` is shown with."""
    return {
        "view": view,
        "shown": preference,
        "channels": [(one.value, CHANNELS[one.value], one in preference.channels) for one in view.channels],
        "topics": [(one.value, _TOPICS[one], one not in preference.off) for one in notify.Topic],
        "quiet": preference.quiet_from != preference.quiet_until,
        "digest": next((word for word, at in DIGESTS.items() if at == preference.digests), ""),
        "closed": [CHANNELS[one.value] for one in view.closed if one.value in CHANNELS],
        "wrong": wrong,
    }


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text.strip())
    return time(int(found[1]), int(found[2])) if found else None
