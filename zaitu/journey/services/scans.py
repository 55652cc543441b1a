"""A scan in the field: found, judged, recorded and answered, once per key."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from zaitu.access import public as access
from zaitu.journey.domain.actions import SCANS, TEXTS, Kind
from zaitu.journey.domain.orders import items_counted, items_ordered, recheck_mismatch, recheck_missing
from zaitu.journey.domain.problems import PROBLEMS, REPORTABLE, Problem
from zaitu.journey.domain.scanning import BESIDE, UNKNOWN_CODE, Verdict, judge, judge_place, progress_message
from zaitu.journey.domain.statuses import STATUS_TEXTS, Status
from zaitu.journey.domain.views import Counts, LegState, Level, ScanDraft, ScanResult, TripState
from zaitu.journey.models import Leg, Order, ScanReceipt, Shipment, Trip
from zaitu.journey.selectors.scanning import TRIP_REF, find
from zaitu.journey.services import counting, noshow, proofs, trip_scans
from zaitu.journey.services.ledger import Ledger, NewEvent
from zaitu.journey.services.scan_facts import Subject, subject_of
from zaitu.journey.services.trips import assign, rewatch, rides_locked
from zaitu.kernel import clock
from zaitu.kernel.crypto import fingerprint, fingerprint_fits
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import Principal
from zaitu.kernel.words import shown
from zaitu.network import public as network

SOURCE: Final = "scan"
KEY_MAX: Final = 80
_SCAN: Final = "journey scan"
CLOCK_AHEAD: Final = timedelta(minutes=5)
CLOCK_BEHIND: Final = timedelta(days=30)
"""A phone's clock further off than this is not believed: the scan happened when we heard of it."""
NOTE_MAX: Final = 200
PIECES_MAX: Final = 9_999
CAUSES_TOLD: Final = 6
"""The pieces and some items: a sentence on a phone."""


@transaction.atomic
def scan_record(*, actor: Principal, draft: ScanDraft) -> ScanResult:
    """Record a scan and answer it; the same key again is answered the same and does nothing.

    Two requests with one key at the same time: the second waits for the first. Raises Invalid, Conflict (key used for another scan).
    """
    kind = _checked_kind(draft)
    receipt = _receipt(actor, draft)
    if receipt.result is not None:
        return replace(result_from(receipt.result), duplicate=True)
    at, data = _checked_time(draft)
    place = judge_place(draft.station_code, _own_stations(actor))
    if place.level is Level.WRONG:
        answer = trip_scans.refused(place.message)
    elif TRIP_REF.fullmatch(draft.code.strip().upper()):
        answer = trip_scans.scan_trip(actor=actor, draft=draft, kind=kind, at=at, data=data)
    else:
        answer = _scan_goods(actor, replace(draft, at=at, data={**draft.data, **data}), kind)
    answer = _warned(answer, place)
    receipt.result, receipt.events = asdict(answer.result), list(answer.events)
    receipt.save(update_fields=["result", "events"])
    if answer.result.level != Level.WRONG:
        access.audit(
            actor=actor,
            action=f"scan.{kind.value}",
            subject=answer.result.waybill or draft.code.strip().upper(),
            detail={"station": draft.station_code, "trip": draft.trip, "events": list(answer.events)[:20]},
        )
    return answer.result


def _own_stations(actor: Principal) -> dict[str, str] | None:
    """Code → name of the stations this person may scan at; None: at any."""
    own = access.stations_of(actor=actor)
    if own is None:
        return None
    return {code: station.name for code, station in network.stations_by_codes(own).items()}


def _warned(answer: trip_scans.Answer, place: Verdict) -> trip_scans.Answer:
    if place.level is not Level.WARN or answer.result.level != Level.OK:
        return answer
    return replace(answer, result=replace(answer.result, level=place.level.value, message=place.message))


def _checked_kind(draft: ScanDraft) -> Kind:
    if draft.kind not in {kind.value for kind in SCANS}:
        raise Invalid("不能扫描这种动作", fields={"kind": "不能扫描这种动作"})
    if not 0 < len(draft.key) <= KEY_MAX:
        raise Invalid("缺少操作编号", fields={"key": f"1–{KEY_MAX} 个字符"})
    if draft.at.tzinfo is None:
        raise Invalid("扫描时间须带时区", fields={"at": "扫描时间须带时区"})
    return Kind(draft.kind)


def _receipt(actor: Principal, draft: ScanDraft) -> ScanReceipt:
    text = json.dumps(asdict(draft), sort_keys=True, ensure_ascii=False, default=str)
    ScanReceipt.objects.bulk_create(
        [
            ScanReceipt(
                key=draft.key,
                fingerprint=fingerprint(text, _SCAN),
                actor=actor.name[:80],
                created_at=clock.now(),
            )
        ],
        ignore_conflicts=True,
    )
    receipt = ScanReceipt.objects.select_for_update().get(key=draft.key)
    if not fingerprint_fits(receipt.fingerprint, text, _SCAN):
        raise Conflict("这个操作编号已用于另一次扫描，请重新扫描")
    return receipt


def result_from(stored: Mapping[str, Any]) -> ScanResult:
    counts = stored["counts"]
    return ScanResult(**{**stored, "counts": Counts(**counts) if counts else None})


def _checked_time(draft: ScanDraft) -> tuple[datetime, dict[str, Any]]:
    """When it happened; a clock that is far off is replaced by ours, and what it claimed is kept."""
    now = clock.now()
    if now - CLOCK_BEHIND <= draft.at <= now + CLOCK_AHEAD:
        return min(draft.at, now), {}
    return now, {"claimed_at": draft.at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    actor: Principal
    draft: ScanDraft
    kind: Kind
    ledger: Ledger
    subject: Subject

    def event(self, kind: Kind, *, suffix: str = "", pieces: int | None = None, **data: Any) -> NewEvent:
        """Add an event of this scan to the ledger."""
        trip = self.subject.trip
        claimed = {key: self.draft.data[key] for key in ("claimed_at",) if key in self.draft.data}
        new = NewEvent(
            shipment_id=self.subject.shipment.pk,
            kind=kind,
            source=SOURCE,
            key=self.draft.key + suffix,
            at=self.draft.at,
            station=self.draft.station_code,
            piece=self.subject.piece,
            trip_id=trip.pk if trip else None,
            pieces=pieces,
            data={**claimed, **{name: value for name, value in data.items() if value not in (None, "", [])}},
        )
        self.ledger.add(new)
        return new


def _scan_goods(actor: Principal, draft: ScanDraft, kind: Kind) -> trip_scans.Answer:
    found = find(draft.code)
    if found is None:
        return trip_scans.refused(UNKNOWN_CODE)
    _trip_locked(draft, kind, found.shipment_id)
    ledger = Ledger(actor=actor, ids=[found.shipment_id])
    subject = subject_of(ledger, draft, kind, found)
    scan = _Scan(actor=actor, draft=draft, kind=kind, ledger=ledger, subject=subject)
    verdict = judge(subject.facts)
    if verdict.level is Level.WRONG:
        return _answer(scan, verdict.level, verdict.message)
    if subject.facts.repeated:
        return _answer(scan, Level.OK, "这件已经扫过了", duplicate=True)
    if verdict.adopt and subject.trip is not None:
        assign(ledger, subject.trip, [subject.shipment])
    if verdict.misrouted:
        scan.event(Kind.PROBLEM, suffix=BESIDE[Kind.PROBLEM], code=Problem.MISROUTED.value)
    level, message = _HANDLERS.get(kind, _plain)(scan)
    if level is Level.WRONG:
        return _answer(scan, level, message)
    _close(scan)
    if verdict.level is Level.WARN:
        level, message = verdict.level, verdict.message
    return _answer(scan, level, message)


def _trip_locked(draft: ScanDraft, kind: Kind, shipment_id: int) -> None:
    """Goods scanned onto a trip they are not planned for are put on it, and who moves rides holds their trips.

    The same for goods that leave: a trip that was missed is run after all.
    """
    if kind in (Kind.LOADED, Kind.DEPARTED) and draft.trip:
        rides_locked([shipment_id], *Trip.objects.filter(ref=draft.trip.strip().upper()))


def _close(scan: _Scan) -> None:
    """Goods that leave on a trip that was missed say that it is run after all."""
    trip = scan.subject.trip if scan.kind is Kind.DEPARTED and scan.subject.leg is not None else None
    missed = trip if trip is not None and trip.state == TripState.MISSED else None
    if missed:
        noshow.revive(missed)
    _ride(scan)
    scan.ledger.close()
    if missed:
        rewatch(missed.vehicle_id)


def _ride(scan: _Scan) -> None:
    """A scan of the goods says as well as one of the truck that they left with it, or are off it."""
    legs = Leg.objects.filter(shipment=scan.subject.shipment)
    if scan.kind is Kind.DEPARTED and scan.subject.leg is not None:
        legs.filter(pk=scan.subject.leg.pk, state=LegState.PLANNED).update(state=LegState.ON_BOARD)
    elif scan.kind in _OFF_THE_TRUCK:
        if scan.subject.leg is not None:
            # A phone was offline: by the time we hear of this ride's end the next one may have begun.
            legs = legs.filter(pk=scan.subject.leg.pk)
        legs.filter(state=LegState.ON_BOARD).update(state=LegState.DONE)


_OFF_THE_TRUCK: Final = frozenset(
    {Kind.UNLOADED, Kind.INSPECTED, Kind.ARRIVED, Kind.OUT_FOR_DELIVERY, Kind.READY_FOR_PICKUP, Kind.SIGNED}
)


def _answer(scan: _Scan, level: Level, message: str, *, duplicate: bool = False) -> trip_scans.Answer:
    shipment = scan.subject.shipment
    counts = scan.subject.counts()
    if level is Level.OK and counts is not None and counts.over:
        level = Level.WARN
    events = [row.pk for row in scan.ledger.written]
    return trip_scans.Answer(
        result=ScanResult(
            waybill=shipment.waybill,
            piece=scan.subject.piece[1] if scan.subject.piece else None,
            status=shipment.status,
            status_text=STATUS_TEXTS[Status(shipment.status)][0],
            message=message or progress_message(scan.kind, counts),
            level=level.value,
            counts=counts,
            duplicate=duplicate,
            event_id=events[-1] if events else None,
        ),
        events=tuple(events),
    )


def state_result(shipment: Shipment, message: str, event_id: int) -> ScanResult:
    """How a shipment stands after a correction."""
    return ScanResult(
        waybill=shipment.waybill,
        piece=None,
        status=shipment.status,
        status_text=STATUS_TEXTS[Status(shipment.status)][0],
        message=message,
        level=Level.OK.value,
        counts=None,
        duplicate=False,
        event_id=event_id,
    )


def _count(scan: _Scan) -> int | None:
    """The number of pieces somebody counted; None: the label's one, or all. Raises Invalid."""
    said = scan.draft.data.get("pieces")
    if said is None:
        return None
    if not isinstance(said, int) or isinstance(said, bool) or not 1 <= said <= PIECES_MAX:
        raise Invalid("件数须为正整数", fields={"pieces": f"件数须为 1 到 {PIECES_MAX} 的整数"})
    return said if scan.subject.piece is None else None


def _plain(scan: _Scan) -> tuple[Level, str]:
    scan.event(scan.kind, pieces=_count(scan), note=_note(scan))
    return Level.OK, ""


def _note(scan: _Scan) -> str:
    return shown(str(scan.draft.data.get("note", "")))[:NOTE_MAX]


def _moved(scan: _Scan) -> tuple[Level, str]:
    """Loaded or unloaded; a shortage told for this trip is over when this scan brought the last missing piece."""
    new = scan.event(scan.kind, pieces=_count(scan), note=_note(scan))
    scan.ledger.write()
    subject, counts = scan.subject, scan.subject.counts()
    if subject.trip is not None and counts is not None and not counts.short:
        task = "load" if scan.kind is Kind.LOADED else "unload"
        told = counting.short_key(subject.trip, scan.draft.station_code, task)
        counting.solved(scan.ledger, subject.shipment, told, new)
    return Level.OK, ""


def _rechecked(scan: _Scan) -> tuple[Level, str]:
    """Pieces and items against the order. A mismatch is recorded as a problem, and blocks loading until a recheck matches."""
    shipment, pieces = scan.subject.shipment, _count(scan)
    counted = items_counted(scan.draft.data.get("items"))
    if scan.subject.piece is not None:
        scan.event(Kind.RECHECKED)
        return Level.OK, ""
    ordered = _items_expected(shipment)
    if ordered is None:
        ordered, counted = {}, {}
    if missing := recheck_missing(ordered, pieces, counted):
        return Level.WRONG, missing
    wrong = recheck_mismatch((shipment.pieces_total, ordered), (pieces or 0, counted or {}))
    if wrong:
        cause = "；".join(wrong[:CAUSES_TOLD])
        scan.event(Kind.PROBLEM, code=Problem.RECHECK_MISMATCH.value, cause=cause)
        return Level.WARN, f"复核不符：{cause}。禁止装车，请补齐后重新复核"
    scan.event(Kind.RECHECKED, pieces=pieces)
    if Problem.RECHECK_MISMATCH.value in scan.subject.facts.problems:
        scan.event(
            Kind.PROBLEM_SOLVED, suffix=BESIDE[Kind.PROBLEM_SOLVED], code=Problem.RECHECK_MISMATCH.value
        )
    return Level.OK, ""


def _items_expected(shipment: Shipment) -> dict[str, int] | None:
    """Quantity by sku; None for parts of a split shipment: nobody has said which part has which of the order's items."""
    if shipment.parent_id or Shipment.objects.filter(parent=shipment).exists():
        return None
    return items_ordered(Order.objects.get(pk=shipment.order_id).items)


def _inspected(scan: _Scan) -> tuple[Level, str]:
    """Acceptance at a station closes the unloading of this shipment: what is missing is short."""
    scan.event(Kind.INSPECTED, pieces=_count(scan), note=_note(scan))
    subject = scan.subject
    if subject.trip is None or subject.leg is None or subject.leg_stop is None:
        return Level.OK, ""
    counting.close_unloading(scan.ledger, subject.trip, subject.leg_stop, [subject.leg], scan.draft.at)
    return Level.OK, ""


def _problem(scan: _Scan) -> tuple[Level, str]:
    code = str(scan.draft.data.get("reason", "")).strip()
    if code not in {problem.value for problem in REPORTABLE}:
        return Level.WRONG, "请选择异常类型"
    scan.event(
        Kind.PROBLEM,
        code=code,
        cause=_note(scan),
        photos=proofs.photos_of(scan.subject.shipment, scan.draft.data),
    )
    return Level.OK, f"已登记：{PROBLEMS[Problem(code)].zh}"


def _failed(scan: _Scan) -> tuple[Level, str]:
    """Refused, or nobody there: an overlay, never a status."""
    code = shown(str(scan.draft.data.get("reason", "")))
    known = code if code in {problem.value for problem in REPORTABLE} else ""
    scan.event(
        scan.kind,
        code=known if scan.kind is Kind.ATTEMPT_FAILED else "",
        cause=_note(scan) or ("" if known else code[:NOTE_MAX]),
        photos=proofs.photos_of(scan.subject.shipment, scan.draft.data),
    )
    return Level.OK, f"已登记{TEXTS[scan.kind][0]}"


def _signed(scan: _Scan) -> tuple[Level, str]:
    shipment = scan.subject.shipment
    taken = proofs.checked(
        shipment, scan.draft.data, one_piece=scan.subject.piece is not None, count=_count(scan)
    )
    if isinstance(taken, str):
        return Level.WRONG, taken
    scan.event(Kind.SIGNED, pieces=_count(scan), detail=taken.detail.value, relation=taken.relation.value)
    proofs.store(scan.ledger.write(), shipment, taken)
    left = shipment.pieces_total - shipment.signed_pieces - taken.pieces
    if left > 0:
        return Level.WARN, f"已签收 {taken.pieces} 件，还有 {left} 件未签收"
    return Level.OK, f"已签收 {taken.pieces} 件"


_HANDLERS: Final[dict[Kind, Callable[[_Scan], tuple[Level, str]]]] = {
    Kind.RECHECKED: _rechecked,
    Kind.LOADED: _moved,
    Kind.UNLOADED: _moved,
    Kind.INSPECTED: _inspected,
    Kind.PROBLEM: _problem,
    Kind.REFUSED: _failed,
    Kind.ATTEMPT_FAILED: _failed,
    Kind.SIGNED: _signed,
}
"""Kinds that do more than record themselves."""
