"""Instants as people say them."""

from datetime import UTC, datetime, timedelta

import pytest

from zaitu.ui import times

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # 14:00 in Beijing


def beijing(day, hour, minute=0, month=11, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("at", "zh", "en"),
    [
        (beijing(22, 15, 20), "今天 15:20", "Today 15:20"),
        (beijing(22, 0, 0), "今天 00:00", "Today 00:00"),
        (beijing(21, 23, 59), "昨天 23:59", "Yesterday 23:59"),
        (beijing(23, 7, 5), "明天 07:05", "Tomorrow 07:05"),
        (beijing(20, 12), "11月20日 12:00", "20 Nov 12:00"),
        (beijing(24, 12), "11月24日 12:00", "24 Nov 12:00"),
        (beijing(3, 9, year=2027, month=1), "2027年1月3日 09:00", "3 Jan 2027 09:00"),
    ],
)
def test_days_near_are_named_and_others_dated(at, zh, en):
    assert times.when_text(at, NOW, lang="zh-hans") == zh
    assert times.when_text(at, NOW, lang="en") == en


def test_a_day_is_a_chinese_day_whatever_utc_says():
    late = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert times.when_text(late, NOW, lang="zh") == "明天 00:30"


def test_a_window_says_its_day_once():
    assert times.window_text(beijing(22, 15, 20), beijing(22, 16), NOW, lang="zh") == "今天 15:20–16:00"
    assert (
        times.window_text(beijing(22, 23, 40), beijing(23, 0, 20), NOW, lang="zh") == "今天 23:40–明天 00:20"
    )
    assert times.window_text(beijing(22, 15), beijing(22, 15), NOW, lang="zh") == "今天 15:00"


@pytest.mark.parametrize(
    ("minutes", "zh", "en"),
    [
        (-5, "刚刚", "just now"),
        (0.9, "刚刚", "just now"),
        (2, "2 分钟前", "2 min ago"),
        (119, "1 小时前", "1 h ago"),
        (60 * 49, "2 天前", "2 d ago"),
    ],
)
def test_how_long_ago_is_never_in_the_future_and_never_rounded_up(minutes, zh, en):
    at = NOW - timedelta(minutes=minutes)
    assert (times.ago_text(at, NOW, lang="zh"), times.ago_text(at, NOW, lang="en")) == (zh, en)


@pytest.mark.parametrize(
    ("minutes", "zh", "en"),
    [
        (40, "40 分钟", "40 min"),
        (100, "1 小时 40 分", "1 h 40 min"),
        (-120, "2 小时", "2 h"),
        (3 * 1440 + 125, "3 天 2 小时", "3 d 2 h"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(minutes, zh, en):
    span = timedelta(minutes=minutes)
    assert (times.span_text(span, lang="zh"), times.span_text(span, lang="en")) == (zh, en)


def test_an_instant_without_offset_is_refused():
    with pytest.raises(ValueError, match="naive"):
        times.when_text(datetime(2026, 11, 22), NOW, lang="zh")  # noqa: DTZ001  the point of the test
