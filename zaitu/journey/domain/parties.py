"""Whom a shipment concerns, for rooms that speak with them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PartiesView:
    waybill: str
    consignor: int | None
    """Contact in the customers room."""
    consignee: int | None
    customer_code: str
    link: str
    """Full address of the tracking page, with the link that notices carry: it opens what strangers do not see."""
    signed_at: datetime | None

    def contact(self, role: str) -> int | None:
        return {"consignor": self.consignor, "consignee": self.consignee}.get(role)
