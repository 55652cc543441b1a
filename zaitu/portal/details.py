"""What a party to a shipment is shown beyond the common answer: proof, contacts (masked), stops, exact position."""

import json
from collections.abc import Mapping
from typing import Any, Final

from zaitu.customers.public import contacts_read
from zaitu.journey import public as journey
from zaitu.kernel import clock, signing
from zaitu.kernel.phones import name_masked, phone_masked
from zaitu.kernel.principal import system

FILE_PURPOSE: Final = "portal.file"
FILE_S: Final = 15 * 60
"""How long the address of a photo or signature works."""
_ROLES: Final = {
    "zh": ("发货人", "收货人"),
    "en": ("Sender", "Consignee"),
}


def position_view(place: "journey.Position") -> dict[str, Any]:
    """A position for a map: the API's fields, course, and metres along the route."""
    return {
        "lat": round(place.lat, 6),
        "lon": round(place.lon, 6),
        "precision_m": place.precision_m,
        "at": clock.local(place.at).isoformat(timespec="seconds"),
        "course_deg": place.course_deg,
        "along_m": None if place.along_m is None else round(place.along_m),
    }


def details_json(tracked: "journey.Tracked", *, lang: str) -> str:
    """`details` of the API's answer, encoded. Two or three queries; not for the event loop."""
    page = journey.track_page(tracked.waybill)
    return "null" if page is None else json.dumps(details_view(page, lang=lang), ensure_ascii=False)


def details_view(page: "journey.TrackedPage", *, lang: str) -> dict[str, Any]:
    """Everything a party may see; photos and signatures as addresses that work for a quarter of an hour."""
    view = journey.track_details(page.document, lang=lang, contacts=_contacts(page, lang=lang))
    view["proofs"] = [_with_addresses(proof, page.tracked.waybill) for proof in view["proofs"]]
    return view


def _contacts(page: "journey.TrackedPage", *, lang: str) -> list[dict[str, str]]:
    """Masked even for parties: a right tail proves that one is a party, not which."""
    ids = [contact_id for contact_id in page.contact_ids if contact_id is not None]
    found = contacts_read(actor=system("portal.details"), ids=ids)
    contacts = []
    for role, contact_id in zip(_ROLES[lang], page.contact_ids, strict=True):
        contact = None if contact_id is None else found.get(contact_id)
        if contact is not None:
            contacts.append(
                {
                    "role": role,
                    "name": name_masked(contact.name),
                    "phone": phone_masked(contact.phone),
                    "city": contact.city,
                }
            )
    return contacts


def _with_addresses(proof: Mapping[str, Any], waybill: str) -> dict[str, Any]:
    return {
        **proof,
        "signature": file_address(proof["signature"], waybill) if proof["signature"] else None,
        "photos": [file_address(photo, waybill) for photo in proof["photos"]],
    }


def file_address(file_id: str, waybill: str) -> str:
    token = signing.sign({"f": file_id, "w": waybill}, FILE_PURPOSE, FILE_S)
    return f"/t/{waybill}/files/{token}"
