"""Requests of phones → JSON objects (`zaitu decode osmand`). Keys are stable; docs/osmand-decode.md lists them."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from zaitu.telemetry.codecs.fix import Fix
from zaitu.telemetry.codecs.osmand import OsmandError, json_parse, query_parse
from zaitu.telemetry.codecs.place_claims import place_claims

Claims = dict[str, Any]

_OF_FIX: Final = ("accuracy_m", "battery_pct", "hdop")


def line_claims(line: str, *, now: datetime) -> list[Claims]:
    """The claims of a line: a JSON body, a query string, or an address or request line that has one. Never raises."""
    is_json = line.lstrip().startswith(("{", "["))
    try:
        told = json_parse(line.encode("utf-8", "replace")) if is_json else query_parse(_query(line))
    except OsmandError as error:
        refused = {"ok": False, "error": error.code, "error_detail": str(error)}
        return [{**refused, "form": None, "device": None, "fixes": []}]
    fixes = [fix_claims(fix, now=now) for fix in told.fixes]
    form = "json" if is_json else "query"
    return [{"ok": True, "error": None, "form": form, "device": told.token, "fixes": fixes}]


def _query(line: str) -> str:
    """`id=…&lat=…`, `/?id=…`, `http://host:5055/?id=…` or `POST /?id=… HTTP/1.1`."""
    words = line.split()
    address = words[1] if len(words) > 1 and words[0] in {"GET", "POST"} else line.strip()
    try:
        return urlsplit(address).query if "?" in address else address
    except ValueError:
        return address.partition("?")[2]


def fix_claims(fix: Fix, *, now: datetime) -> Claims:
    extra = dict(fix.extra)
    return {
        **place_claims(fix, now=now),
        **{key: extra.pop(key, None) for key in _OF_FIX},
        **extra,
    }
