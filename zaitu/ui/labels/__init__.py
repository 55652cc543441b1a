"""Piece labels as PDF, 100 × 150 mm, one page a piece: Code 128 for scanners, a QR code for phones, words for people."""

import json
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import noto_cjk_sans_otc
import segno
import typst
from barcode.codex import Code128

from zaitu.journey.public import LabelView
from zaitu.kernel.errors import TooLarge

PIECES_MAX: Final = 300
"""Of one PDF: about five seconds of work."""
_TEMPLATE: Final = Path(__file__).resolve().parent / "label.typ"
_compiling = threading.Lock()


@cache
def _compiler() -> typst.Compiler:
    """Kept: reading the 18 MB of Chinese glyphs takes longer than all the rest."""
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(str(noto_cjk_sans_otc.FONT_PATH)).parent)],
    )
    return typst.Compiler(font_paths=fonts)


def labels_pdf(labels: Sequence[LabelView], *, address: str) -> bytes:
    """One page per label. `address` is where the QR code leads, without the waybill (`https://…/t/`).

    All values reach the template as data, so nothing somebody typed is ever read as markup. Raises TooLarge over 300 pieces.
    """
    if len(labels) > PIECES_MAX:
        raise TooLarge(f"一次最多打印 {PIECES_MAX} 张标签")
    data = json.dumps([_page(label, address) for label in labels], ensure_ascii=False)
    with _compiling:
        # The source is given each time: a kept compiler forgets one that was given as bytes.
        made = _compiler().compile(_TEMPLATE.read_bytes(), format="pdf", sys_inputs={"labels": data})
    if not isinstance(made, bytes):
        raise TypeError("typst gave no single PDF")
    return made


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
    quiet = 10
    rects = "".join(
        f'<rect x="{quiet + at}" y="0" width="1.02" height="40"/>'
        for at, module in enumerate(modules)
        if module == "1"
    )
    width = len(modules) + 2 * quiet
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 40" width="{width}" height="40" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges">{rects}</svg>'
    )


def _qr(text: str) -> str:
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_inline(border=4)).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
