"""Piece labels: what is on them, and who waits for whom."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from re import findall

import psutil
import pytest
from barcode.codex import Code128

from zaitu.journey.public import LabelView
from zaitu.kernel.errors import TooLarge, Unavailable
from zaitu.ui import labels
from zaitu.ui.labels.press import COMPILERS, LARGE, Press

ADDRESS = "https://t.example.cn/t/"


def label(piece: int = 1, pieces: int = 1, waybill: str = "ZT0412883755124") -> LabelView:
    return LabelView(
        waybill=waybill,
        label=f"{waybill}-{piece:03}",
        piece=piece,
        pieces=pieces,
        from_name="上海青浦仓",
        to_name="成都青白江站",
        to_city="成都",
        goods="电子元件",
        product="标准零担",
        weight_kg=12.5,
        cold=False,
        consignee="王**",
        consignee_phone="138********",
        consignee_address="成都",
        remarks="易碎",
    )


def shipment(pieces: int, number: int = 0) -> list[LabelView]:
    return [label(piece, pieces, f"ZT{number:013}") for piece in range(1, pieces + 1)]


def pages(pdf: bytes) -> int:
    return max(int(number) for number in findall(rb"/Count (\d+)", pdf))


def test_the_largest_shipment_there_can_be_is_one_pdf_of_as_many_pages():
    assert pages(labels.labels_pdf(shipment(999), address=ADDRESS, company="顺驰物流")) == 999


@pytest.mark.parametrize("word", ["长", "W", '#panic() "x" <y> ', "a b "])
def test_a_label_is_one_page_whatever_is_on_it(word):
    """With every text as long as it may be."""
    typed = (
        "from_name",
        "to_name",
        "to_city",
        "goods",
        "product",
        "consignee",
        "consignee_address",
        "remarks",
    )
    full = replace(label(), cold=True, consignee_phone="+8613800000000", **dict.fromkeys(typed, word * 300))
    assert pages(labels.labels_pdf([full, full], address=ADDRESS, company=word * 40)) == 2


def test_more_than_that_is_refused():
    with pytest.raises(TooLarge):
        labels.labels_pdf(shipment(1000), address=ADDRESS, company="顺驰物流")


def test_the_bars_are_those_of_code_128_to_the_module():
    (modules,) = Code128("ZT0412883755124-001").build()
    drawn = labels._bars("ZT0412883755124-001")
    bars = [(int(at), int(wide)) for at, wide in findall(r"M(\d+) 0h(\d+)v40", drawn)]
    dark = {at + module for at, wide in bars for module in range(wide)}
    assert dark == {10 + at for at, module in enumerate(modules) if module == "1"}
    assert len(bars) == sum(module == "1" for module, _run in groupby(modules)), "no bar is cut in two"
    assert f'viewBox="0 0 {len(modules) + 20} 40"' in drawn


class Slow(Press):
    """Jobs begin, and end when they are told to; the names of those that run are in `running`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.running: set[str] = set()
        self.began = threading.Semaphore(0)
        self.go_on = {name: threading.Event() for name in ("a", "b", "c", "d")}

    def _compiled(self, source, inputs, *, forget):
        self.running.add(inputs["name"])
        self.began.release()
        assert self.go_on[inputs["name"]].wait(20)
        self.running.remove(inputs["name"])
        return b"%PDF " + inputs["name"].encode()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_a_small_job_does_not_wait_for_large_ones(threads):
    press = Slow()
    large = [threads.submit(press.pdf, b"", pages=LARGE + 1, name=name) for name in ("a", "b")]
    assert press.began.acquire(timeout=10)
    small = threads.submit(press.pdf, b"", pages=1, name="c")
    assert press.began.acquire(timeout=10)
    assert press.running in ({"a", "c"}, {"b", "c"}), "of two large ones one waits"
    press.go_on["c"].set()
    assert small.result(10) == b"%PDF c"
    for name in ("a", "b"):
        press.go_on[name].set()
    assert {job.result(10) for job in large} == {b"%PDF a", b"%PDF b"}


def test_a_full_queue_says_when_to_come_back_and_at_once(threads):
    press = Slow(waiting=1)
    jobs = [threads.submit(press.pdf, b"", pages=1, name=name) for name in ("a", "b")]
    for _ in jobs:
        assert press.began.acquire(timeout=10)
    waiting = threads.submit(press.pdf, b"", pages=1, name="c")
    while press._places.acquire(blocking=False):  # until it has taken the last place
        press._places.release()
    with pytest.raises(Unavailable, match="稍后") as refused:
        press.pdf(b"", pages=1, name="d")
    assert refused.value.retry_after_s
    for event in press.go_on.values():
        event.set()
    assert [job.result(10) for job in (*jobs, waiting)] == [b"%PDF a", b"%PDF b", b"%PDF c"]
    assert press.pdf(b"", pages=1, name="d") == b"%PDF d", "what was refused has left nothing behind"


def test_who_has_waited_long_enough_is_told_so(threads):
    press = Slow(patience_s=0.2)
    jobs = [threads.submit(press.pdf, b"", pages=1, name=name) for name in ("a", "b")]
    for _ in jobs:
        assert press.began.acquire(timeout=10)
    with pytest.raises(Unavailable):
        press.pdf(b"", pages=1, name="c")
    for event in press.go_on.values():
        event.set()
    assert len(jobs) == COMPILERS


def test_printing_all_day_does_not_fill_the_memory():
    labels.labels_pdf(shipment(300), address=ADDRESS, company="顺驰物流")
    before = psutil.Process().memory_info().rss
    for number in range(8):
        labels.labels_pdf(shipment(300, number), address=ADDRESS, company="顺驰物流")
    grown_mb = (psutil.Process().memory_info().rss - before) / 2**20
    assert grown_mb < 120, "without letting go it is about 190, and more with every other address"
