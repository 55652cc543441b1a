"""What the rules remember of one vehicle, as a document that is stored with its state and read back at start."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from zaitu.telemetry.codecs.columns import NONE
from zaitu.telemetry.domain.limits import Limits, bands_from, limits_document, stands_from
from zaitu.telemetry.kernels.fleet import OF_TRIP_DEVICE, Fleet
from zaitu.telemetry.kernels.layout import DEVICE, HELD, OF_TRIP, PASSING, VEHICLE, Records, blank
from zaitu.telemetry.rules.fences import Visit

VERSION: Final = 1
_ELSEWHERE: Final = (*PASSING, "slot", "edges")
"""Found again by themselves, or told by whoever loads."""
_VEHICLE: Final = blank(VEHICLE, 1)[0]
_DEVICE: Final = blank(DEVICE, 1)[0]


def documents(fleet: Fleet, slots: Sequence[int]) -> list[dict[str, Any]]:
    """Of these vehicles, as JSON, of what is not blank; `document_load` reads one back."""
    devices = {device: None for slot in slots for device in fleet.devices_in(slot)}
    of_device = dict(zip(devices, _packed(fleet.devices[list(devices)], _DEVICE), strict=True))
    return [
        {
            "v": VERSION,
            "trip": fleet.trips[slot],
            "vehicle": packed,
            "visits": [visit_packed(visit) for visit in fleet.visits(slot)],
            "devices": {
                str(fleet.terminal_ids[device]): of_device[device] for device in fleet.devices_in(slot)
            },
            **_numbered(fleet.limits(slot)),
        }
        for slot, packed in zip(slots, _packed(fleet.vehicles[list(slots)], _VEHICLE), strict=True)
    ]


def document_load(fleet: Fleet, vehicle_id: int, stored: Mapping[str, Any]) -> None:
    """After the watch was set; what belongs to another trip than the watch's is left out.

    Raises KeyError, TypeError, ValueError for what `document` did not write.
    """
    slot = fleet.slot(vehicle_id)
    same = stored["trip"] == fleet.trips[slot]
    fleet.vehicles[slot] = _VEHICLE
    _unpack(fleet.vehicles[slot], stored["vehicle"], () if same else OF_TRIP)
    for terminal_id, packed in stored["devices"].items():
        device = fleet.device(int(terminal_id))
        fleet.bind(device, slot)
        _unpack(fleet.devices[device], packed, () if same else OF_TRIP_DEVICE)
    fleet.visits_set(slot, [visit_from(one) for one in stored["visits"]] if same else ())
    fleet.carry(slot, bands_from(stored.get("bands", ())), stands_from(stored.get("stands", ())))


def _numbered(limits: Limits) -> dict[str, Any]:
    """What is remembered by number: the numbers must mean the same when the document is read."""
    if not limits.bands and not limits.stands:
        return {}
    told = limits_document(limits)
    return {"bands": told["bands"], "stands": told["stands"]}


def _packed(records: Records, unused: Any) -> list[dict[str, Any]]:
    """Of each record the fields that are not blank; NONE and NaN are null. By columns: a record by itself costs ten times as much."""
    packed: list[dict[str, Any]] = [{} for _ in records]
    for name in records.dtype.names or ():
        if name in _ELSEWHERE:
            continue
        column = records[name]
        # Blank ones are the same to the byte, NaN too.
        told = np.frombuffer(column.tobytes(), np.uint8).reshape(len(records), unused[name].nbytes)
        used = (told != np.frombuffer(unused[name].tobytes(), np.uint8)).any(axis=1)
        for row in np.flatnonzero(used).tolist():
            packed[row][name] = _plain(column[row])
    return packed


def _plain(value: Any) -> Any:
    return _nulled(value.tolist())


def _nulled(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_nulled(one) for one in value]
    return None if value == NONE or value != value else value  # noqa: PLR0124  NaN


def _unpack(record: Any, packed: Mapping[str, Any], without: Sequence[str]) -> None:
    """Names this version has not are passed over."""
    for name, value in packed.items():
        if name not in record.dtype.names or name in without:
            continue
        kind = record.dtype[name]
        if kind.base == HELD:
            rows = [value] if kind == HELD else value
            held = np.array([tuple(NONE if one is None else one for one in row) for row in rows], dtype=HELD)
            record[name] = held[0] if kind == HELD else held
        else:
            absent = np.nan if kind.base.kind == "f" else NONE
            record[name] = [absent if one is None else one for one in value] if kind.shape else value


def visit_packed(visit: Visit) -> list[float | None]:
    return [visit.seq, visit.entered_s, visit.left_s, visit.out_since_s, visit.out_fixes, visit.inside_s]


def visit_from(packed: Sequence[Any]) -> Visit:
    seq, entered_s, left_s, out_since_s, out_fixes, inside_s = packed
    return Visit(
        seq=int(seq),
        entered_s=entered_s,
        left_s=left_s,
        out_since_s=out_since_s,
        out_fixes=int(out_fixes),
        inside_s=inside_s,
    )
