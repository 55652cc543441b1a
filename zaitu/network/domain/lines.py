"""A line: known stations in driving order, a schedule that moves forward, and a road that passes them in that order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.network.domain import checks
from zaitu.network.domain.geometry import stops_along
from zaitu.network.domain.views import LineDraft, StationView

SCHEDULE_MAX_MIN: Final = 14 * 24 * 60
"""The longest journey of one line, and the longest stay at one stop: 14 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLine:
    """A line in normal form; `stations` and `alongs_m` match `draft.stops`, `draft.points` is never empty."""

    draft: LineDraft
    stations: tuple[StationView, ...]
    alongs_m: tuple[float, ...]


def line_placed(
    draft: LineDraft, *, stations: Mapping[str, StationView], products: Collection[str]
) -> PlacedLine:
    """Check a line and find where along its road each stop lies; without a road, it is straight from stop to stop.

    Raises Invalid.
    """
    checks.gathered(
        lambda: checks.code_normal(draft.code, what="线路编码"),
        lambda: checks.text_checked(draft.name, field="name", label="线路名称", longest=checks.NAME_MAX),
    )
    product = checks.plain(draft.product)
    if product and product not in products:
        raise _invalid("product", f"没有编码为 {product} 的产品")
    places = []
    for stop in draft.stops:
        place = stations.get(checks.plain(stop.station))
        if place is None:
            raise _invalid("station", f"没有编码为 {stop.station} 的站点")
        places.append(place)
    _schedule_checked(draft)
    road = draft.points or tuple((place.lat, place.lon) for place in places)
    # 6 decimals are 0.1 m: what an export writes is exactly what is stored.
    points = tuple(
        (round(lat, 6), round(lon, 6)) for lat, lon in (checks.place_checked(*point) for point in road)
    )
    normal = replace(
        draft,
        code=checks.code_normal(draft.code),
        name=draft.name.strip(),
        product=product,
        points=points,
    )
    alongs_m = stops_along(points, [(place.name, (place.lat, place.lon)) for place in places])
    return PlacedLine(draft=normal, stations=tuple(places), alongs_m=alongs_m)


def _schedule_checked(draft: LineDraft) -> None:
    for stop in draft.stops:
        if not 0 <= stop.arrive_after_min <= SCHEDULE_MAX_MIN or not 0 <= stop.dwell_min <= SCHEDULE_MAX_MIN:
            raise _invalid("arrive_after_min", f"{stop.station} 的到达用时和停留须在 0 到 14 天之间")
    for before, after in pairwise(draft.stops):
        if after.arrive_after_min < before.arrive_after_min + before.dwell_min:
            message = f"{after.station} 的计划到达早于 {before.station} 的计划离开"
            raise _invalid("arrive_after_min", message)


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, fields={field: message})
