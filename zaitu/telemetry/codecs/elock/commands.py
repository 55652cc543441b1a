"""Words to a lock."""

from datetime import timedelta


def unlock_block() -> bytes:
    """S07: cut the engine of what the JT600 sits in."""
    return b"(S07,0)"


def time_zone(offset: timedelta) -> bytes:
    """S09: the zone the lock shows times in; its reports stay in UTC."""
    return b"(S09,1,%d)" % (offset.total_seconds() // 60)
