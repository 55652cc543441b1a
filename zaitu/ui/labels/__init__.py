"""Piece labels as PDF, 100 × 150 mm, one page a piece: Code 128 for scanners, a QR code for phones, words for people."""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import segno
from barcode.codex import Code128

from zaitu.journey.public import LabelView
from zaitu.kernel.errors import TooLarge
from zaitu.ui.labels.press import Press

PIECES_MAX: Final = 999
"""Of one PDF: the most that a shipment can have. About a second of work, and 6 MB."""
_TEMPLATE: Final = Path(__file__).resolve().parent / "label.typ"
_press: Final = Press()


def labels_pdf(labels: Sequence[LabelView], *, address: str, company: str) -> bytes:
    """One page per label. `address` is where the QR code leads, without the waybill (`https://…/t/`); `company` may be empty.

    All values reach the template as data, so nothing somebody typed is ever read as markup. Raises TooLarge over 999 pieces,
    Unavailable when too many are being made already.
    """
    if len(labels) > PIECES_MAX:
        raise TooLarge(f"一次最多打印 {PIECES_MAX} 张标签")
    data = json.dumps([_page(label, address) for label in labels], ensure_ascii=False)
    return _press.pdf(_TEMPLATE.read_bytes(), pages=len(labels), labels=data, company=company)


def _page(label: LabelView, address: str) -> dict[str, Any]:
    return {
        "waybill": _spaced(label.waybill),
        "label": label.label,
        "bars": _bars(label.label),
        "qr": _qr(f"{address}{label.waybill}"),
        "piece": f"{label.piece}/{label.pieces}",
        "from": label.from_name,
        "to": label.to_name,
        "city": label.to_city or label.to_name,
        "goods": label.goods,
        "product": label.product,
        "weight": f"{label.weight_kg:g} kg",
        "cold": label.cold,
        "consignee": label.consignee,
        "phone": label.consignee_phone,
        "address": label.consignee_address,
        "remarks": label.remarks,
    }


def _spaced(waybill: str) -> str:
    """`ZT 0412 8837 5512 4`: groups of four are read out and keyed without losing the place."""
    head = waybill.rstrip("0123456789")
    digits = waybill[len(head) :]
    return " ".join([head, *(digits[start : start + 4] for start in range(0, len(digits), 4))])


def _bars(text: str) -> str:
    """Code 128 as SVG: bars of whole modules, a quiet zone of ten on both sides."""
    (modules,) = Code128(text).build()
    at = quiet = 10
    drawn = ""
    for module, run in groupby(modules):
        wide = len(list(run))
        drawn += f"M{at} 0h{wide}v40h-{wide}z" if module == "1" else ""
        at += wide
    width = at + quiet
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 40" width="{width}" height="40" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges"><path d="{drawn}"/></svg>'
    )


@lru_cache(maxsize=64)
def _qr(text: str) -> str:
    """Remembered: it is the same on every piece of a shipment, and takes as long to make as a whole label to print."""
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_inline(border=4)).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
