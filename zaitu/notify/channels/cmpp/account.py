"""What ZAITU_CMPP_URL says. Pure."""

from dataclasses import dataclass, field

from zaitu.notify.channels.operators import address
from zaitu.notify.channels.operators.dialect import Place

PORT = 7890


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    place: Place
    name: str
    """SP_Id for signing in."""
    secret: str = field(repr=False)
    v3: bool
    source: str
    """接入号: what the receiver sees and answers to."""
    enterprise: str
    """企业代码, where it is not the name that signs in."""
    service: str
    fee_user_type: int
    fee_type: str
    fee_code: str


def account(url: str) -> Account:
    found = address.read(url, port=PORT)
    asked = found.asked
    return Account(
        place=found.place,
        name=found.account,
        secret=found.secret,
        v3=asked.get("version", "3.0").startswith("3"),
        source=asked.get("source", ""),
        enterprise=asked.get("enterprise") or found.account,
        service=asked.get("service", ""),
        fee_user_type=min(address.whole(asked, "fee_user", 2), 255),
        fee_type=asked.get("fee_type") or "01",
        fee_code=asked.get("fee_code") or "000000",
    )
