"""Columns on their way to another process."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry import make
from zaitu.telemetry.codecs.columns import Columns, Report, columns_of, columns_take
from zaitu.telemetry.codecs.packed import Unreadable, columns_pack, columns_unpack

NOW = datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
places = st.builds(
    make.fix,
    st.just(NOW),
    st.floats(-89, 89),
    st.floats(-179, 179),
    temps_c=st.lists(st.one_of(st.none(), st.floats(-50, 100)), max_size=3).map(tuple),
    odometer_m=st.one_of(st.none(), st.integers(0, 10**9)),
    alarm=st.integers(0, 2**32 - 1),
)
reports = st.lists(st.builds(Report, terminal=st.sampled_from(["1", "22", "333"]), fix=places), max_size=8)


def same(one: Columns, other: Columns) -> None:
    assert [one.terminals[index] for index in one.terminal] == [
        other.terminals[index] for index in other.terminal
    ]
    for row in range(len(one)):
        for name in ("items", "extra", "core"):
            assert one.piece(getattr(one, name), row) == other.piece(getattr(other, name), row)
    for name in Columns.__slots__:
        if name not in {"terminals", "terminal", "arena", "items", "extra", "core"}:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@given(reports)
@settings(deadline=None, max_examples=60)
def test_what_is_packed_is_unpacked_the_same(told):
    columns = columns_of(told, received_at=NOW)
    again, received_us = columns_unpack(columns_pack(columns, 123))
    assert received_us == 123
    same(columns, again)
    assert again.lat.flags.writeable  # kernels compile once for arrays that may be written to


@given(reports, st.data())
@settings(deadline=None, max_examples=60)
def test_rows_taken_out_carry_what_they_need(told, data):
    columns = columns_of(told, received_at=NOW)
    rows = data.draw(st.lists(st.integers(0, len(told) - 1), unique=True)) if told else []
    taken = columns_take(columns, np.array(rows, dtype=np.int64))
    same(taken, columns_of([told[row] for row in rows], received_at=NOW))


@pytest.mark.parametrize(
    "content", [b"", b"\x05", b"\xff\xff\xff\x7f", b"\x02\0\0\0{}", b"\x02\0\0\0[]" + bytes(40)]
)
def test_other_bytes_are_refused(content):
    with pytest.raises(Unreadable):
        columns_unpack(content)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(content):
    packed = columns_pack(columns_of([Report(terminal="1", fix=make.fix(NOW))], received_at=NOW), 1)
    for wrong in (content, packed[: len(content)], packed + content[:1]):
        if wrong != packed:
            with pytest.raises(Unreadable):
                columns_unpack(wrong)
