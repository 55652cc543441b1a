"""Aliyun's callbacks: SmsReport (receipts) and SmsUp (what people write back), both arrays of JSON. Pure.

They are repeated after 1, 5 and 10 minutes until they are answered so, come in any order, and are not signed: the door asks for a secret path.
"""

from collections.abc import Mapping
from typing import Any, Final

from zaitu.notify.domain.callbacks import TEXT_MAX, Call, Heard, Taken, beijing, phone, rows_of, text_of
from zaitu.notify.domain.ways import Receipt

TAKEN: Final = '{"code": 0, "msg": "接收成功"}'
REFUSED: Final = '{"code": 1, "msg": "格式不正确"}'
_GONE: Final = frozenset({"MOBILE_IN_BLACK", "BLACK_LIST", "USER_REJECT"})
_GONE_WORDS: Final = ("黑名单", "退订")


def take(call: Call) -> Taken:
    """What one call tells; rows that tell nothing are left out, so that one of them does not lose the others."""
    try:
        rows = rows_of(call.body)
    except ValueError:
        return Taken(answer=REFUSED, status=400)
    return Taken(
        receipts=tuple(one for row in rows if "success" in row and (one := _receipt(row, call))),
        heard=tuple(said for row in rows if "content" in row and (said := _heard(row, call))),
        answer=TAKEN,
    )


def _receipt(row: Mapping[str, Any], call: Call) -> Receipt | None:
    ref = text_of(row, "out_id")[:100]
    if not ref or not isinstance(row["success"], bool):
        return None  # sent by somebody else from the same account
    delivered, code, said = row["success"], text_of(row, "err_code"), text_of(row, "err_msg")
    gone = not delivered and (code in _GONE or any(word in said for word in _GONE_WORDS))
    return Receipt(
        ref=ref,
        delivered=delivered,
        at=beijing(text_of(row, "report_time"), call.at),
        code=code[:40],
        note="" if delivered else f"运营商未送达：{said or code}"[:300],
        gone=gone,
    )


def _heard(row: Mapping[str, Any], call: Call) -> Heard | None:
    ref, number = text_of(row, "sequence_id")[:100], text_of(row, "phone_number")
    if not ref or not number:
        return None
    return Heard(
        ref=ref,
        address=phone(number),
        text=text_of(row, "content")[:TEXT_MAX],
        at=beijing(text_of(row, "send_time"), call.at),
    )
