"""What the demo's receivers write on the phone, drawn as a pad keeps it: one of a few dozen hands, the same for the same name."""

import io
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Final

from PIL import Image, ImageDraw

from zaitu.config.demo.dice import dice

SIZE: Final = (320, 120)
HANDS: Final = 36
"""A hand a person would take seconds more at the first start."""
_INK: Final = (23, 32, 46, 255)
_SMOOTH: Final = 14
"""Straight pieces of one stroke."""
Point = tuple[float, float]


def signature(name: str) -> bytes:
    """A PNG with transparent paper."""
    return _drawn(dice("hand", name).randrange(HANDS))


@cache
def _drawn(hand: int) -> bytes:
    image = Image.new("RGBA", SIZE, (255, 255, 255, 0))
    pen = ImageDraw.Draw(image)
    for points, width in _strokes(dice("signature", hand)):
        pen.line(points, fill=_INK, width=width, joint="curve")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _strokes(chance: Random) -> Iterator[tuple[list[Point], int]]:
    """Two to four characters of a few curves, each in its square and leaning to the right; sometimes a line under them."""
    characters = chance.randrange(2, 5)
    side = min(88.0, (SIZE[0] - 40) / characters)
    for number in range(characters):
        left, top = 20 + number * side * 0.92, 14 + chance.uniform(0, 10)
        for _ in range(chance.randrange(4, 7)):
            corners = [
                (left + chance.uniform(0.05, 0.95) * side + 4 * number, top + chance.uniform(0.0, 1.0) * side)
                for _ in range(3)
            ]
            yield list(_curve(*corners)), chance.randrange(2, 4)
    if chance.random() < 0.3:
        yield list(_curve((16, 108), (SIZE[0] / 2, 116), (SIZE[0] - 30, 98))), 2


def _curve(start: Point, bend: Point, end: Point) -> Iterator[Point]:
    """Points of a quadratic Bézier curve."""
    for step in range(_SMOOTH + 1):
        t = step / _SMOOTH
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        yield a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1]
