"""What a terminal's maker means where makers differ: data, chosen by the terminal's model or by name.

The standard profile reads what all agree on. Whatever a profile says, every item is kept as sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Sign(StrEnum):
    """How item 51 tells temperatures below zero."""

    AUTO = "auto"
    """Either: between −60 and +120 °C the two never overlap, so the word tells which it is."""
    MAGNITUDE = "magnitude"
    """Bit 15 is the sign: −2.3 °C is 8017."""
    COMPLEMENT = "complement"
    """Two's complement: −2.3 °C is ffe9."""


class Locks(StrEnum):
    """Whose electronic lock speaks in the items."""

    JOINTECH = "jointech"
    """JT709 on 0x0200: item 0B, status bits 20 and 21, alarm bits 7 and 16."""
    PADLOCK = "padlock"
    """G-300, G-360P, G-508P: items 60 and 63."""
    HUABAO = "huabao"
    """Bluetooth locks in item D5, string and cover in DA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Bytes of an item's id and of its length."""

    id_bytes: int = 1
    length_bytes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str
    temperature_sign: Sign = Sign.AUTO
    locks: Locks | None = None
    items: Mapping[int, str] = field(default_factory=dict)
    """Items with a meaning of their own, by a name of items.MEANINGS; an empty name: the maker means something unknown."""
    form: Form = Form()
    forms: Mapping[bytes, Form] = field(default_factory=dict)
    """Items that begin with these bytes and have another form than the rest; the longest beginning counts."""


STANDARD: Final = Profile(name="standard")
PROFILES: Final[dict[str, Profile]] = {
    profile.name: profile
    for profile in (
        STANDARD,
        Profile(name="magnitude", temperature_sign=Sign.MAGNITUDE),
        Profile(name="complement", temperature_sign=Sign.COMPLEMENT),
        Profile(
            name="jointech",
            locks=Locks.JOINTECH,
            items={0xD4: "battery_pct", 0xD5: "battery_v", 0xFE: "odometer_km"},
        ),
        Profile(
            name="padlock", locks=Locks.PADLOCK, items={0x68: "battery_hundredth_pct", 0x69: "battery_v"}
        ),
        Profile(name="huabao", locks=Locks.HUABAO, items={0xD4: "battery_pct"}),
        Profile(name="wide_ids", form=Form(id_bytes=2, length_bytes=1)),
        Profile(name="wide", form=Form(id_bytes=2, length_bytes=2)),
    )
}
MODELS: Final[tuple[tuple[str, str], ...]] = (
    ("JT70", "jointech"),
    ("G-300", "padlock"),
    ("G-360", "padlock"),
    ("G-508", "padlock"),
)
"""How a model begins, as the terminal registers (0x0100), and its profile; the first that fits."""


def profile_named(name: str) -> Profile:
    """Raises ValueError."""
    if name not in PROFILES:
        raise ValueError(f"no profile {name!r}; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def profile_for(model: str) -> Profile:
    """The profile of a model; the standard one where none is known."""
    told = model.strip().upper()
    return next((PROFILES[name] for start, name in MODELS if told.startswith(start)), STANDARD)
