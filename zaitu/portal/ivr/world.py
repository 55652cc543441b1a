"""What one call may ask of the house: shipments, parties, limits, the link by SMS. Blocks; not for an event loop."""

import re
from typing import Final

from django.conf import settings

from zaitu.access import public as access
from zaitu.customers.public import contacts_read
from zaitu.journey import public as journey
from zaitu.kernel import clock, limits
from zaitu.kernel.crypto import blind_index
from zaitu.kernel.errors import RateLimited
from zaitu.kernel.phones import name_masked
from zaitu.kernel.principal import system
from zaitu.kernel.waybills import Mistyped, waybill_normal
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.portal import grants
from zaitu.portal.ivr import telling
from zaitu.portal.ivr.session import OFFERED, Busy, Facts
from zaitu.portal.misses import misses

LINK_DAYS: Final = 7
"""How long a link that was sent to a verified caller opens everything."""
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_ACTOR: Final = system("hotline")
_ROLES: Final = (("consignor", "发货人"), ("consignee", "收货人"))


class CallWorld:
    """For one turn of one call: what was read is read once."""

    def __init__(self, *, caller: str, call: int) -> None:
        """`caller`: the calling number as kernel.phones spells it, empty when withheld. `call`: the call's row."""
        self.company = network.company().name
        self.person = ""
        """`contact:12` once the calling number was found to be a party's."""
        self.role = ""
        self._caller = caller
        self._call = call
        self._pages: dict[str, journey.TrackedPage] = {}
        # Callers who withhold their number share one count: else each call of theirs would have tries of its own.
        self._address = f"tel:{blind_index(caller, 'hotline caller')}" if caller else "tel:"

    def mine(self) -> tuple[str, ...]:
        if not self._caller or self._blocked():
            return ()
        query = journey.ShipmentQuery(text=self._caller, open_only=True)
        found = journey.shipments_search(actor=_ACTOR, query=query, size=4 * OFFERED)
        # The search also finds numbers that hold these digits.
        return tuple(row.waybill for row in found.rows if self.is_party(row.waybill))[:OFFERED]

    def find(self, digits: str) -> str:
        self._refuse()
        try:
            waybill = waybill_normal(digits)
        except Mistyped:
            waybill = ""
        if not waybill or self._page(waybill) is None:
            misses.count(self._address)
            return ""
        return waybill

    def facts(self, waybill: str) -> Facts:
        page = self._page(waybill)
        if page is None:
            return Facts(waybill=waybill, route="", told=("这个运单暂时查不到",), personal=())
        fix = page.tracked.fix
        place = None if fix is None else telling.Place(at=clock.local(fix.at), along_m=fix.along_m)
        return telling.facts(
            page.document, now=clock.local(clock.now()), surnames=self._surnames(page), place=place
        )

    def is_party(self, waybill: str) -> bool:
        page = self._page(waybill) if self._caller else None
        if page is None:
            return False
        ids = [one for one in page.contact_ids if one is not None]
        contacts = contacts_read(actor=_ACTOR, ids=ids)
        for contact_id, (role, _name) in zip(page.contact_ids, _ROLES, strict=True):
            contact = contacts.get(contact_id) if contact_id is not None else None
            if contact is not None and contact.phone == self._caller:
                self.person, self.role = f"contact:{contact_id}", role
                return True
        return False

    def tail_fits(self, waybill: str, tail: str) -> bool:
        """Counted before it is looked at, under the same keys as on the tracking page; a right one is taken back."""
        self._refuse()
        key = grants.tail_attempts_key(waybill)
        allowed, _wait_s = limits.attempt(key, grants.TAILS_PER_NUMBER, grants.TAILS_WINDOW_S)
        if not allowed:
            raise Busy
        page = self._page(waybill)
        if page is not None and grants.tail_opens(tail, page.tracked.tails):
            limits.refund(key)
            return True
        misses.count(self._address)
        return False

    def sms_offered(self) -> bool:
        reached = _MOBILE.fullmatch(self._caller) is not None
        return reached and notify.Channel.SMS in notify.channels_usable()

    def sms_send(self, waybill: str, *, verified: bool) -> None:
        """A verified caller's link opens everything for some days, another's is the page that everybody sees."""
        link = f"{settings.ZAITU_PUBLIC_URL}/t/{waybill}"
        self.is_party(waybill)  # names the person, so that an erasure finds the message too
        if verified:
            link += f"?k={access.link_issue(actor=_ACTOR, waybill=waybill, days=LINK_DAYS)}"
        notify.tell(
            actor=_ACTOR,
            notice=notify.Notice(
                fact=f"call:{self._call}:{waybill}",
                kind=notify.Kind.LINK,
                waybill=waybill,
                customer_code=None,
                to=(
                    notify.Recipient(
                        person=self.person or f"call:{self._call}", phone=self._caller, may_be_called=False
                    ),
                ),
                params={"link": link},
                at=clock.now(),
            ),
        )

    def _page(self, waybill: str) -> "journey.TrackedPage | None":
        if waybill not in self._pages:
            page = journey.track_page(waybill)
            if page is None:
                return None
            self._pages[waybill] = page
        return self._pages[waybill]

    def _surnames(self, page: "journey.TrackedPage") -> tuple[tuple[str, str], ...]:
        """The consignee's: the first character only, as masked on the page."""
        contact_id = page.contact_ids[1]
        contact = (
            None if contact_id is None else contacts_read(actor=_ACTOR, ids=[contact_id]).get(contact_id)
        )
        first = name_masked(contact.name)[:1] if contact is not None else ""
        return ((_ROLES[1][1], first),) if first and first != "*" else ()

    def _blocked(self) -> bool:
        try:
            misses.refuse(self._address)
        except RateLimited:
            return True
        return False

    def _refuse(self) -> None:
        """Raises Busy for a caller who has missed too often, before anything is looked up."""
        if self._blocked():
            raise Busy
