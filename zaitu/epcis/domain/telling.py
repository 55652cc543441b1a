"""What a captured event tells of our shipments: which numbers it speaks of, and which of our kinds it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zaitu.epcis.domain.identifiers import Names, number_in
from zaitu.epcis.domain.vocabulary import short
from zaitu.journey.public import PARTNER_CODES

DIALECT: Final = "epcis"
OWN: Final = "zaitu"
NUMBER_MAX: Final = 40
_GOODS: Final = ("epcList", "childEPCs")
_PAPERS: Final = frozenset({"bol", "desadv", "po", "inv"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One of our codes and the list it is of."""

    dialect: str
    code: str


def telling(event: Mapping[str, Any], names: Names, prefixes: Mapping[str, str]) -> Telling | None:
    """What it is in our words; None: it is kept and tells nothing of a journey.

    A field `kind` of our vocabulary goes before the standard's words, which know no van and no doorbell.
    """
    own = next(
        (
            value
            for name, value in event.items()
            if isinstance(value, str) and _is_kind(name, names, prefixes) and value in PARTNER_CODES[OWN]
        ),
        "",
    )
    if own:
        return Telling(dialect=OWN, code=own)
    step, disposition = (short(str(event.get(name, ""))) for name in ("bizStep", "disposition"))
    known = PARTNER_CODES[DIALECT]
    for code in (f"{step}/{disposition}", f"*/{disposition}", step):
        if code in known:
            return Telling(dialect=DIALECT, code=code)
    return None


def _is_kind(name: str, names: Names, prefixes: Mapping[str, str]) -> bool:
    prefix, _, rest = name.partition(":")
    return name == f"{names.vocabulary}kind" or (rest == "kind" and prefixes.get(prefix) == names.vocabulary)


def prefixes_of(*contexts: Any) -> dict[str, str]:
    """Prefix → what it stands for, of all contexts an event stands under; the nearest comes last and wins."""
    found: dict[str, str] = {}
    for context in contexts:
        for one in context if isinstance(context, list) else [context]:
            if isinstance(one, dict):
                found |= {name: value for name, value in one.items() if isinstance(value, str)}
    return found


def epcs_of(event: Mapping[str, Any]) -> list[str]:
    """Goods it speaks of, as MATCH_epc finds them."""
    return list(dict.fromkeys(one for name in _GOODS for one in _texts(event.get(name))))


def any_epcs_of(event: Mapping[str, Any]) -> list[str]:
    """With what holds them, and what they were made of, as MATCH_anyEPC does."""
    more = [*_texts([event.get("parentID")]), *_texts(event.get("inputEPCList")), *_texts(event.get("outputEPCList"))]  # fmt: skip
    return list(dict.fromkeys([*epcs_of(event), *more]))


def numbers_of(event: Mapping[str, Any]) -> list[str]:
    """Numbers in its goods; when it names none, those of its waybills (bizTransaction)."""
    found = list(_numbers(epcs_of(event))) or list(_numbers(_waybills(event)))
    return list(dict.fromkeys(found))


def _waybills(event: Mapping[str, Any]) -> list[str]:
    papers = event.get("bizTransactionList") or ()
    return [one["bizTransaction"] for one in papers if short(str(one.get("type", "bol"))) in _PAPERS]


def _numbers(uris: list[str]) -> Iterator[str]:
    for uri in uris:
        number = number_in(uri)
        if 0 < len(number) <= NUMBER_MAX and number.isprintable():
            yield number


def _texts(several: Any) -> list[str]:
    return [one for one in several or () if isinstance(one, str)]
