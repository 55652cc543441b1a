"""Tencent Cloud's callbacks: receipts (an array) and what people write back (one object). Pure.

They are repeated until they are answered so, come in any order, and are not signed: the door asks for a secret path.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from zaitu.notify.domain.callbacks import TEXT_MAX, Call, Heard, Taken, beijing, phone, rows_of, text_of, unix
from zaitu.notify.domain.ways import Receipt

TAKEN: Final = '{"result": 0, "errmsg": "OK"}'
REFUSED: Final = '{"result": 1, "errmsg": "格式不正确"}'
_GONE_WORDS: Final = ("黑名单", "退订", "免打扰")


def take(call: Call) -> Taken:
    """What one call tells; rows that tell nothing are left out, so that one of them does not lose the others."""
    try:
        rows = rows_of(call.body)
    except ValueError:
        return Taken(answer=REFUSED, status=400)
    return Taken(
        receipts=tuple(one for row in rows if "report_status" in row and (one := _receipt(row, call))),
        heard=tuple(said for row in rows if "text" in row and (said := _heard(row, call))),
        answer=TAKEN,
    )


def _receipt(row: Mapping[str, Any], call: Call) -> Receipt | None:
    ref, status = text_of(row, "sid")[:100], text_of(row, "report_status")
    if not ref or status not in {"SUCCESS", "FAIL"}:
        return None
    delivered, code, said = status == "SUCCESS", text_of(row, "errmsg"), text_of(row, "description")
    return Receipt(
        ref=ref,
        delivered=delivered,
        at=beijing(text_of(row, "user_receive_time"), call.at),
        code=code[:40],
        note="" if delivered else f"运营商未送达：{said or code}"[:300],
        gone=not delivered and any(word in said for word in _GONE_WORDS),
    )


def _heard(row: Mapping[str, Any], call: Call) -> Heard | None:
    """Tencent gives it no name: whoever writes the same within one second has written once."""
    number, text, moment = text_of(row, "mobile"), text_of(row, "text"), text_of(row, "time")
    if not number:
        return None
    ref = hashlib.sha256(f"{number}\n{moment}\n{text}".encode()).hexdigest()
    return Heard(
        ref=ref,
        address=phone(number, text_of(row, "nationcode")),
        text=text[:TEXT_MAX],
        at=unix(moment, call.at),
    )
