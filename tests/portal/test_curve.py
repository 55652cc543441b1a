"""The temperature of a cold ride, drawn."""

from datetime import UTC, datetime, timedelta

from zaitu.portal.pages.curve import HEIGHT, WIDTH, drawn

START = datetime(2026, 11, 22, tzinfo=UTC)


def readings(*values):
    return [(START + timedelta(minutes=number), probes) for number, probes in enumerate(values)]


def points(line):
    return [tuple(map(float, pair.split(","))) for pair in line.split()]


def test_each_probe_is_a_line_over_the_whole_width():
    found = drawn(readings((4.0, 5.0), (4.5, 5.5), (5.0, 6.0)), (2.0, 8.0))
    assert len(found.lines) == 2
    first = points(found.lines[0])
    assert (first[0][0], first[-1][0]) == (0, WIDTH)
    assert first[0][1] > first[-1][1], "warmer is higher"
    assert (found.low_c, found.high_c, found.latest_c) == (4.0, 6.0, 6.0)


def test_everything_measured_and_the_band_fit_on_the_paper():
    found = drawn(readings((-25.0,), (15.0,)), (2.0, 8.0))
    for _x, y in points(found.lines[0]):
        assert 0 <= y <= HEIGHT
    assert found.band_y >= 0
    assert found.band_y + found.band_height <= HEIGHT


def test_a_silent_probe_leaves_a_gap_and_no_reading_no_drawing():
    assert len(points(drawn(readings((4.0, None), (5.0, None)), (2.0, 8.0)).lines[1])) == 0
    assert drawn(readings((None,), ()), (2.0, 8.0)) is None
    assert drawn([], (2.0, 8.0)) is None


def test_a_band_with_one_open_end_is_drawn_to_what_was_measured():
    found = drawn(readings((-20.0,), (-18.0,)), (None, -15.0))
    assert found.band_height > 0
