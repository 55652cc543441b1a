"""What ZAITU_SMPP_URL says. Pure."""

from dataclasses import dataclass, field

from zaitu.notify.channels.operators import address
from zaitu.notify.channels.operators.dialect import Place

PORT, TLS_PORT = 2775, 3550


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    place: Place
    system_id: str
    password: str = field(repr=False)
    system_type: str
    source: str
    """Number or up to eleven letters that the receiver sees; empty: the server puts its own."""
    source_ton: int
    source_npi: int
    service: str
    gsm7: bool
    """Texts that fit into GSM-7 are sent so (160 characters instead of 70)."""
    hex_ids: bool
    """The server answers with hexadecimal numbers, and its receipts name the same ones in decimal."""


def account(url: str) -> Account:
    found = address.read(url, port=TLS_PORT if url.startswith("smpps") else PORT, tls_scheme="smpps")
    asked = found.asked
    source = asked.get("source", "")
    letters = bool(source) and not source.lstrip("+").isdigit()
    return Account(
        place=found.place,
        system_id=found.account,
        password=found.secret,
        system_type=asked.get("system_type", ""),
        source=source,
        source_ton=min(address.whole(asked, "source_ton", 5 if letters else 0), 255),
        source_npi=min(address.whole(asked, "source_npi", 0), 255),
        service=asked.get("service", ""),
        gsm7=asked.get("alphabet", "gsm7") == "gsm7",
        hex_ids=asked.get("ids", "") == "hex",
    )
