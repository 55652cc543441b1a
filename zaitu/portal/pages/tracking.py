"""What the tracking page shows, from a tracking document; the same for the whole page and for the part that is fetched again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.utils.translation import gettext as _

from zaitu.journey import public as journey
from zaitu.kernel import clock
from zaitu.portal import details
from zaitu.portal.pages.curve import curve
from zaitu.portal.pages.sketch import dash, share_of_leg, short_names, sketch, thinned
from zaitu.ui import times

TONES: Final = {
    "ordered": ("neutral", "file-text"),
    "awaiting_departure": ("primary", "package"),
    "in_transit": ("now", "truck"),
    "at_stop": ("now", "building-warehouse"),
    "arrived": ("primary", "building-warehouse"),
    "arriving_soon": ("now", "truck-delivery"),
    "ready_for_pickup": ("primary", "map-pin"),
    "signed": ("done", "circle-check"),
    "returned": ("neutral", "arrow-back-up"),
    "closed": ("neutral", "circle-x"),
}
"""Status → (tone, icon)."""
_LYING: Final = frozenset({"ordered", "awaiting_departure", "arrived", "ready_for_pickup"})
"""Where the goods are in no truck."""
_PLAN_CHANGED: Final = timedelta(minutes=15)
"""A smaller difference from the first promise is not worth a line."""
_WINDOW_IN_DAYS: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    before: str
    window: tuple[str, ...]
    after: str
    """The biggest line of the page; the parts of the window (two when it ends on another day) are never broken."""
    planned: str
    """What had been promised; empty when nothing has changed."""
    reason: str

    @property
    def text(self) -> str:
        return f"{self.before}{''.join(self.window)}{self.after}"


def _line(sentence: str, window: str, *, planned: str = "", reason: str = "") -> Eta:
    """A sentence with one {window} in it."""
    before, _mark, after = sentence.partition("{window}")
    first, dash, last = window.partition("–")
    parts = (f"{first}{dash}", last) if " " in last or (last and ":" not in last) else (window,)
    return Eta(before=before, window=parts, after=after, planned=planned, reason=reason)


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def context(page: "journey.TrackedPage", *, lang: str, exact: bool) -> dict[str, Any]:
    """Template values of the part of the page that changes."""
    document = page.document
    tone, icon = TONES[document["status"]]
    trip = document["trip"]
    return {
        "waybill": document["waybill"],
        "version": document["version"],
        "status": document["status"],
        "status_text": document["status_text"][lang],
        "headline": document["headline"][lang],
        "tone": tone,
        "status_icon": icon,
        "eta": eta(document, lang=lang),
        "route_ref": "" if document["final"] or trip is None else trip["ref"],
        "final": document["final"],
        "strip": _strip(trip) if trip and not document["final"] else None,
        "strip_icon": "package" if document["status"] in _LYING else "truck",
        "ends": short_names([document["origin"], document["destination"]]),
        "exception": _exception(document, lang=lang),
        "days": _days(document, lang=lang),
        "pieces": document["pieces"],
        "updated_at": at(document["updated_at"]),
        "cold_band_c": document["cold_band_c"],
        "parent": document["parent"],
        "children": document["children"],
        "exact": exact,
        "details": _details(page, lang=lang) if exact else None,
        "curve": curve(page) if exact else None,
    }


def eta(document: Mapping[str, Any], *, lang: str) -> Eta:
    """预计今天 15:20–16:00 送达; for a finished journey what became of it."""
    now = clock.now()
    when = times.when_text(at(document["status_at"]) or now, now, lang=lang)
    if document["final"]:
        ended = {
            "signed": _("{window} 已签收"),
            "returned": _("{window} 已退回发货人"),
            "closed": _("{window} 运输已终止"),
        }
        return _line(ended[document["status"]], _inside(when, lang))
    start, end = at(document["eta_from"]), at(document["eta_to"])
    if start is None or end is None:
        asked = document["exception"] is not None and document["exception"]["action_required"]
        return _line(_("待确认后再安排送达") if asked else _("预计送达时间待定，安排车次后告知"), "")
    if end - start > _WINDOW_IN_DAYS:
        first, last = (times.day_text(edge, now, lang=lang) for edge in (start, end))
        window = first if first == last else f"{first}–{last}"
    else:
        window = times.window_text(start, end, now, lang=lang)
    planned = at(document["eta_planned"])
    expected = at(document["eta"])
    changed = planned is not None and expected is not None and abs(expected - planned) > _PLAN_CHANGED
    return _line(
        _("预计{window} 送达"),
        _inside(window, lang),
        planned=_inside(times.when_text(planned, now, lang=lang), lang) if changed and planned else "",
        reason=document["eta_reason"][lang] if changed else "",
    )


def _inside(text: str, lang: str) -> str:
    """In the middle of an English sentence a day has no capital."""
    for day in ("Today", "Tomorrow", "Yesterday") if lang == "en" else ():
        text = text.replace(day, day.lower())
    return text


def _strip(trip: Mapping[str, Any]) -> dict[str, Any]:
    """The straight line: stops by their share of the way, the truck where the stops say it is until a position comes."""
    stops = [
        {"name": name, "state": stop["state"], "percent": _percent(stop, trip)}
        for name, stop in zip(short_names(trip["stops"]), trip["stops"], strict=True)
    ]
    behind = [stop["percent"] for stop in stops if stop["state"] in {"passed", "here"}]
    ahead = [stop["percent"] for stop in stops if stop["state"] == "ahead"]
    standing = any(stop["state"] == "here" for stop in stops) or not behind or not ahead
    last = behind[-1] if behind else 0.0
    truck = last if standing else (last + ahead[0]) / 2
    along_m = trip["leg_from_m"] + truck / 100 * (trip["leg_to_m"] - trip["leg_from_m"])
    return {
        "stops": stops,
        "truck": round(truck, 1),
        "dash": dash(along_m, trip),
        "line_name": trip["line_name"],
    }


def _percent(stop: Mapping[str, Any], trip: Mapping[str, Any]) -> float:
    return round(100 * share_of_leg(stop["along_m"], trip), 1)


def _exception(document: Mapping[str, Any], *, lang: str) -> dict[str, Any] | None:
    overlay = document["exception"]
    if overlay is None:
        return None
    delta = overlay["eta_delta_min"]
    late = times.span_text(timedelta(minutes=delta), lang=lang) if delta else ""
    return {
        "text": overlay["text"][lang],
        "plan": overlay["plan"][lang],
        "late": late,
        "since": at(overlay["since"]),
        "grave": overlay["level"] == 1,
        "action_required": overlay["action_required"],
    }


def _days(document: Mapping[str, Any], *, lang: str) -> list[dict[str, Any]]:
    """The nodes, newest first, under the days they happened on."""
    now = clock.now()
    nodes = [
        {
            "at": datetime.fromisoformat(node["at"]),
            "text": node["text"][lang],
            "problem": node["problem"],
            "by_partner": node.get("by_partner", False),
            "newest": number == 0,
        }
        for number, node in enumerate(document["nodes"])
    ]
    return [
        {"day": day, "nodes": list(group)}
        for day, group in groupby(nodes, key=lambda node: times.day_text(node["at"], now, lang=lang))
    ]


def _details(page: "journey.TrackedPage", *, lang: str) -> dict[str, Any]:
    view = details.details_view(page, lang=lang)
    for proof in view["proofs"]:
        proof["at"] = at(proof["at"])
    return view


def map_data(page: "journey.TrackedPage", *, lang: str) -> dict[str, Any]:
    """Route and stops for the map; nothing of the vehicle, whose place comes by the stream."""
    trip = page.document["trip"]
    trip_id = page.tracked.trip_id
    if page.document["final"] or trip is None or trip_id is None:
        return {"route": [], "stops": _ends(page.document), "sketch": None}
    points = thinned(journey.route_points(trip_id))
    stops = [
        {"name": name, "lat": stop["lat"], "lon": stop["lon"], "state": stop["state"]}
        for name, stop in zip(short_names(trip["stops"]), trip["stops"], strict=True)
    ]
    drawn = sketch(points, trip["stops"])
    return {
        "route": points,
        "stops": stops,
        "leg": [trip["leg_from_m"], trip["leg_to_m"]],
        "length_m": trip["length_m"],
        "projection": drawn and dict(drawn.projection),
        "sketch": drawn,
        "lang": lang,
    }


def _ends(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    places = (document["origin"], document["destination"])
    return [
        {"name": name, "lat": place["lat"], "lon": place["lon"], "state": "passed"}
        for name, place in zip(short_names(places), places, strict=True)
    ]
