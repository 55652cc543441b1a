"""What a party has said about a shipment and what may be said next, as the tracking page shows it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zaitu.access.public import tail_principal
from zaitu.desk import public as desk
from zaitu.journey import public as journey
from zaitu.kernel import clock, signing
from zaitu.kernel.errors import NotFound
from zaitu.portal import grants
from zaitu.ui import times

_PURPOSE: Final = "portal.talk"
KEPT_S: Final = 60 * 86_400
"""How long a browser that came by a link finds again what it has said."""
PHOTO_PURPOSE: Final = "portal.talk-photo"
PHOTO_S: Final = 15 * 60

KINDS: Final = {
    desk.Kind.QUESTION: (gettext_lazy("提问"), "message-circle"),
    desk.Kind.REQUEST: (gettext_lazy("改约"), "calendar-event"),
    desk.Kind.COMPLAINT: (gettext_lazy("投诉"), "flag"),
}
STATES: Final = {
    desk.State.OPEN: gettext_lazy("等待回复"),
    desk.State.ANSWERED: gettext_lazy("已回复"),
    desk.State.CLOSED: gettext_lazy("已处理完"),
    desk.State.REOPENED: gettext_lazy("等待回复"),
}
ROLES: Final = {"consignee": gettext_lazy("收货人"), "consignor": gettext_lazy("发货人")}
CHANGES: Final = {
    desk.Change.TIME: gettext_lazy("改送达时间"),
    desk.Change.ADDRESS: gettext_lazy("改送货地址"),
    desk.Change.RECEIVER: gettext_lazy("换收货人"),
    desk.Change.CONTACTLESS: gettext_lazy("放到指定位置"),
    desk.Change.PICKUP: gettext_lazy("改为自提"),
}
FIELDS: Final = {
    "day": gettext_lazy("日期"),
    "slot": gettext_lazy("时段"),
    "address": gettext_lazy("新地址"),
    "name": pgettext_lazy("name", "收货人姓名"),
    "phone": gettext_lazy("手机号"),
    "place": gettext_lazy("放置位置"),
}
SLOTS: Final = {
    "morning": gettext_lazy("上午"),
    "afternoon": gettext_lazy("下午"),
    "evening": gettext_lazy("晚上 18:00 后"),
    "any": gettext_lazy("全天都可以"),
}
QUESTIONS: Final = {
    desk.Band.BAD: gettext_lazy("哪里让您不满意？"),
    desk.Band.FAIR: gettext_lazy("哪里可以做得更好？"),
    desk.Band.GOOD: gettext_lazy("哪些地方做得好？"),
}
REASONS: Final = {
    "late": gettext_lazy("比预计的晚"),
    "untold": gettext_lazy("没有提前告知"),
    "damaged": gettext_lazy("货物或包装有损坏"),
    "short": gettext_lazy("件数不对"),
    "manner": gettext_lazy("服务态度"),
    "place": gettext_lazy("没有送到约定地点"),
    "on_time": gettext_lazy("准时送达"),
    "told": gettext_lazy("每一步都有告知"),
    "intact": gettext_lazy("货物完好"),
    "kind": gettext_lazy("服务热情"),
    "careful": gettext_lazy("送货上门、摆放仔细"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was sent and not taken."""

    form: str
    """`question`, `request`, `complaint`, `more`, `rate`."""
    values: Mapping[str, str] = field(default_factory=dict)
    reasons: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str = ""


def cookie_name(waybill: str) -> str:
    return f"zaitu_talk_{waybill}"


def visitor_of(request: HttpRequest, waybill: str) -> desk.Visitor:
    """Who speaks: by the tail that was shown, by what this browser has said before, by the address in an answer."""
    kept = _kept(request, waybill)
    role = grants.granted_role(request.COOKIES.get(grants.cookie_name(waybill), ""), waybill)
    return desk.Visitor(role=role, token=str(kept.get("v", "")), conversation_id=kept.get("c"))


def _kept(request: HttpRequest, waybill: str) -> dict[str, Any]:
    try:
        kept = signing.unsign(request.COOKIES.get(cookie_name(waybill), ""), _PURPOSE)
    except NotFound:
        return {}
    return kept if kept.get("w") == waybill else {}


def token_new() -> str:
    """Of a browser that speaks for the first time."""
    return secrets.token_urlsafe(16)


def thread_kept(request: HttpRequest, response: HttpResponse, waybill: str) -> HttpResponse:
    """After the address in an answer was opened: this browser finds the conversation."""
    found = desk.thread_named(request.GET.get(desk.THREAD_PARAMETER, ""))
    if found is not None:
        remember(request, response, waybill, token=visitor_of(request, waybill).token, conversation_id=found)
    return response


def remember(
    request: HttpRequest,
    response: HttpResponse,
    waybill: str,
    *,
    token: str,
    conversation_id: int | None,
) -> None:
    response.set_cookie(
        cookie_name(waybill),
        signing.sign({"w": waybill, "v": token, "c": conversation_id}, _PURPOSE, KEPT_S),
        max_age=KEPT_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def context(
    request: HttpRequest, page: "journey.TrackedPage", *, lang: str, typed: Typed | None = None
) -> dict[str, Any]:
    """Template values of the conversation; for parties only."""
    waybill = page.tracked.waybill
    visitor = visitor_of(request, waybill)
    thread = desk.thread(actor=tail_principal(waybill), waybill=waybill, visitor=visitor)
    asked = request.GET.get("said", "")
    return {
        "waybill": waybill,
        "thread": [_entry(entry, thread, waybill, lang) for entry in thread.entries],
        "talk_said": asked if asked in {*(kind.value for kind in desk.Kind), "more", "rate"} else "",
        "talk_kinds": [(kind.value, name, icon) for kind, (name, icon) in KINDS.items()],
        "talk_roles": () if visitor.role or visitor.conversation_id else tuple(ROLES.items()),
        "talk_changes": [
            (change.value, name, [_field(one) for one in desk.FIELDS[change]])
            for change, name in CHANGES.items()
        ],
        "talk_slots": tuple(SLOTS.items()),
        "talk_days": _days(),
        "typed": typed,
        "typed_slot": typed.values.get("time-slot", "") if typed else "",
        "rating": _rating(request, thread, typed),
        "texts_max": desk.TEXT_MAX,
    }


def _field(name: str) -> tuple[str, Any]:
    return name, FIELDS[name]


def _days() -> tuple[str, str]:
    today = clock.local(clock.now()).date()
    return today.isoformat(), (today + timedelta(days=desk.DAYS_AHEAD)).isoformat()


def _entry(entry: desk.EntryView, thread: desk.ThreadView, waybill: str, lang: str) -> dict[str, Any]:
    ticket = thread.tickets.get(entry.ticket_id or 0)
    first = ticket is not None and entry.id == min(
        one.id for one in thread.entries if one.ticket_id == ticket.id
    )
    lines: list[tuple[Any, str]] = []
    text = entry.text
    if ticket is not None and ticket.change is not None and first and ticket.fields:
        # The first line says in Chinese what the fields say in the reader's language.
        lines = [(FIELDS[name], _value(name, value, lang)) for name, value in ticket.fields.items()]
        text = text.partition("\n")[2]
    return {
        "mine": entry.what is desk.What.SAID,
        "what": entry.what.value,
        "at": entry.at,
        "kind": KINDS[ticket.kind][0] if ticket and first else "",
        "change": CHANGES[ticket.change] if ticket and ticket.change and first else "",
        "state": STATES[ticket.state] if ticket and first else "",
        "done": ticket is not None and ticket.state in (desk.State.ANSWERED, desk.State.CLOSED),
        "lines": lines,
        "text": text,
        "photos": [photo_address(photo, waybill) for photo in entry.photos],
    }


def _value(name: str, value: str, lang: str) -> str:
    if name == "slot":
        return str(SLOTS.get(value, value))
    if name == "day":
        day = date.fromisoformat(value)
        return times.day_text(clock.now().replace(year=day.year, month=day.month, day=day.day, hour=4), clock.now(), lang=lang)  # fmt: skip
    return value


def photo_address(file_id: str, waybill: str) -> str:
    return f"/t/{waybill}/talk/{signing.sign({'f': file_id, 'w': waybill}, PHOTO_PURPOSE, PHOTO_S)}"


def _rating(request: HttpRequest, thread: desk.ThreadView, typed: Typed | None) -> dict[str, Any] | None:
    """None: there is nothing to rate, and nothing was."""
    given = thread.rating
    if not thread.may_rate and given is None:
        return None
    chosen = typed.values.get("stars", "") if typed and typed.form == "rate" else request.GET.get("stars", "")
    stars = int(chosen) if chosen in {"1", "2", "3", "4", "5"} and thread.may_rate else 0
    shown = stars or (given.stars if given else 0)
    ticked = typed.reasons if typed and typed.form == "rate" else frozenset(given.reasons if given else ())
    band = desk.band_of(stars) if stars else None
    return {
        "stars": [(number, number <= shown, _star_text(number)) for number in range(1, 6)],
        "asked": stars,
        "given": given,
        "given_reasons": [REASONS[code] for code in given.reasons] if given else [],
        "may": thread.may_rate,
        "question": QUESTIONS[band] if band else "",
        "reasons": [(code, REASONS[code], code in ticked) for code in (desk.REASONS[band] if band else ())],
        "text": typed.values.get("text", "")
        if typed and typed.form == "rate"
        else given.text
        if given
        else "",
    }


def _star_text(number: int) -> str:
    return [_("很不满意"), _("不满意"), _("一般"), _("满意"), _("很满意")][number - 1]
