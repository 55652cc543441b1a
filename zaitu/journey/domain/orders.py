"""What a valid order is. Raises Invalid with a sentence per field for the person who typed it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from zaitu.journey.domain.views import OrderDraft
from zaitu.kernel.errors import Invalid
from zaitu.kernel.words import hides

PIECES: Final = (1, 999)
WEIGHT_KG: Final = (0.01, 100_000.0)
VOLUME_M3: Final = (0.0, 1_000.0)
COLD_C: Final = (-80.0, 60.0)
GOODS_MAX: Final = 100
REMARKS_MAX: Final = 500
CLIENT_REF_MAX: Final = 64
ITEMS_MAX: Final = 500


def order_checked(draft: OrderDraft) -> OrderDraft:
    """The draft in normal form; people and stations are checked by their own rooms."""
    wrong: dict[str, str] = {}
    _between(wrong, "pieces", draft.pieces, PIECES, "件数")
    _between(wrong, "weight_kg", draft.weight_kg, WEIGHT_KG, "重量（公斤）")
    _between(wrong, "volume_m3", draft.volume_m3, VOLUME_M3, "体积（立方米）")
    goods = _text(wrong, "goods", draft.goods, GOODS_MAX, "货物名称", needed=True)
    remarks = _text(wrong, "remarks", draft.remarks, REMARKS_MAX, "备注")
    client_ref = _text(wrong, "client_ref", draft.client_ref, CLIENT_REF_MAX, "客户单号")
    if draft.from_station == draft.to_station:
        wrong["to_station"] = "目的站不能与始发站相同"
    _cold(wrong, draft)
    _items(wrong, draft)
    if wrong:
        raise Invalid("订单资料有误：" + "；".join(wrong.values()), fields=wrong)
    return replace(draft, goods=goods, remarks=remarks, client_ref=client_ref)


def _between(wrong: dict[str, str], field: str, value: float, span: tuple[float, float], label: str) -> None:
    if math.isnan(value):
        wrong[field] = f"请填写{label}"
    elif not math.isfinite(value) or not span[0] <= value <= span[1]:
        wrong[field] = f"{label}须在 {span[0]:g} 到 {span[1]:g} 之间"


def _text(
    wrong: dict[str, str], field: str, value: str, longest: int, label: str, *, needed: bool = False
) -> str:
    trimmed = value.strip()
    if needed and not trimmed:
        wrong[field] = f"请填写{label}"
    elif len(trimmed) > longest:
        wrong[field] = f"{label}最多 {longest} 个字"
    elif hides(trimmed, lines=True):
        wrong[field] = f"{label}含有不可见的控制字符"
    return trimmed


def _cold(wrong: dict[str, str], draft: OrderDraft) -> None:
    low, high = draft.cold_min_c, draft.cold_max_c
    for field, value in (("cold_min_c", low), ("cold_max_c", high)):
        if value is not None:
            _between(wrong, field, value, COLD_C, "温度（℃）")
    if low is not None and high is not None and low > high:
        wrong["cold_max_c"] = "最高温度不能低于最低温度"


def _items(wrong: dict[str, str], draft: OrderDraft) -> None:
    if len(draft.items) > ITEMS_MAX:
        wrong["items"] = f"货品明细最多 {ITEMS_MAX} 行"
    elif any(quantity < 1 or not sku.strip() for sku, _, quantity in draft.items):
        wrong["items"] = "货品明细须有编码，数量至少为 1"
    elif any(hides(sku) or hides(name) for sku, name, _ in draft.items):
        wrong["items"] = "货品明细含有不可见的控制字符"


def items_ordered(items: Iterable[Sequence[Any]]) -> dict[str, int]:
    """Quantity by sku of an order's rows (sku, name, quantity); one sku may stand in several."""
    found: dict[str, int] = {}
    for sku, _, quantity in items:
        found[sku] = found.get(sku, 0) + quantity
    return found


def items_counted(said: object) -> dict[str, int] | None:
    """What somebody counted, {sku: quantity}; None when nothing was. Raises Invalid for another shape."""
    if said is None:
        return None
    wrong = {"items": "明细须为“货号: 数量”，数量为整数"}
    if not isinstance(said, Mapping) or not all(isinstance(sku, str) for sku in said):
        raise Invalid("明细格式不对", fields=wrong)
    for quantity in said.values():
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 0:
            raise Invalid("明细数量须为整数", fields=wrong)
    return dict(said) or None


def recheck_missing(ordered: Mapping[str, int], pieces: int | None, counted: Mapping[str, int] | None) -> str:
    """What has not been counted, as a sentence; empty: all has. A recheck that compares nothing opens nothing."""
    if pieces is None:
        return "请先清点件数，再复核"
    return "该订单有货品明细，请逐项清点后再复核" if ordered and counted is None else ""


def recheck_mismatch(
    expected: tuple[int, Mapping[str, int]], found: tuple[int, Mapping[str, int]]
) -> list[str]:
    """Where (pieces, quantity by sku) of the order and of the count differ, in words."""
    pieces = [] if expected[0] == found[0] else [f"应 {expected[0]} 件，实 {found[0]} 件"]
    ordered, counted = expected[1], found[1]
    return pieces + [
        f"{sku} 应 {ordered.get(sku, 0)}、实 {counted.get(sku, 0)}"
        for sku in sorted(set(ordered) | set(counted))
        if ordered.get(sku, 0) != counted.get(sku, 0)
    ]


def piece_label(waybill: str, seq: int) -> str:
    """`ZT…-001`: three digits, since an order has at most 999 pieces."""
    return f"{waybill}-{seq:03d}"
