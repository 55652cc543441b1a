"""Chance that falls the same way every time: what a demo looks like must not change between two starts."""

from random import Random


def dice(*about: object) -> Random:
    """The dice for one subject, such as ("order", day, 12)."""
    return Random("|".join(map(str, about)))  # noqa: S311  decides what a demo looks like; guards nothing
