"""Which addresses of the console people look at: all of its URL patterns but those named here, each with its reason.

A pattern without arguments is a page unless it stands in one of the tables; one with arguments has to stand in one.
tests/console/test_pages.py holds the tables against the views, tests/browser/test_console.py opens every page.
"""

from collections.abc import Iterator
from typing import Final

from zaitu.console.network.views import KINDS
from zaitu.console.urls import urlpatterns

FORMS: Final = frozenset(
    {
        "sign-out", "labels-chosen", "reveal", "link-issue", "link-revoke", "event-void", "event-record", "reopen",
        "forward", "split", "trip-assign", "trip-cancel", "trip-finish", "trip-arrival-void", "driver-phone",
        "terminal-adopt", "terminal-create", "terminal-report", "terminal-profile", "terminal-send", "terminal-reset",
        "terminal-unbind", "person-erase", "key-issue", "partner-key-issue", "key-revoke", "webhook-put",
        "webhook-redeliver", "template-preview", "call-take", "robot-add", "team-join", "team-leave", "team-remove", "poison", "conversation-answer",
        "conversation-take", "conversation-ticket",
    }
)  # fmt: skip
"""Take a form only: who opens them is told so (405)."""
FILES: Final = frozenset(
    {
        "pick", "fleet", "vehicle-track", "gateway-numbers", "shipments-export", "labels", "orders-template",
        "network-export", "terminals-export",
    }
)  # fmt: skip
"""Answer with data or a file."""
PARTS: Final = frozenset(
    {"search", "vehicle", "terminal-commands", "audit-entry", "conversation-news", "calls-waiting"}
)
"""Answer with a part of a page: tests of the drawer, the map and the search look at them where they are shown."""
APART: Final = {
    "sign-in": "shown to those who are not signed in; looked at before signing in",
    "nowhere": "says that there is no page; looked at by an address that has none",
    "live": "an event stream that does not end; tests/browser looks at the map that listens",
    "calls-live": "an event stream that does not end; tests/console/test_calls.py reads it",
    "file": "a photo, by the number a page gives for it; there is none in an empty company",
    "robot": "an installation has none until its robots are set up; tests/console/test_admin.py looks at one",
    "person-notices": "reached from a shipment's messages; shows the form of the portal's page",
    "terminal-media": "the same for what terminals sent",
    "conversation-photo": "the same for what customers sent",
}
BY_KIND: Final = {
    "network": tuple(KINDS),
    "network-new": tuple(KINDS),
    "network-import": (*KINDS, "bindings"),
}
"""Pages with a kind in the address: all kinds."""
LINKED: Final = {
    "shipment": ("shipments",),
    "trip": ("trips",),
    "terminal": ("terminals",),
    "network-edit": tuple(f"network/{kind}" for kind in KINDS),
    "customer-edit": ("customers",),
    "user-edit": ("users",),
    "team": ("teams",),
    "webhook": ("webhooks",),
    "template": ("templates",),
    "conversation": ("conversations",),
}
"""Pages of one thing: the first that a list leads to, for each of these lists."""


def plain() -> Iterator[str]:
    """Names of the pages without arguments."""
    known = FORMS | FILES | PARTS | set(APART)
    return (str(one.name) for one in urlpatterns if not one.pattern.converters and str(one.name) not in known)


def unknown() -> list[str]:
    """Patterns with arguments of which nobody has said how to fill them, or why they are no page."""
    known = FORMS | FILES | PARTS | set(APART) | set(BY_KIND) | set(LINKED)
    return [str(one.name) for one in urlpatterns if one.pattern.converters and str(one.name) not in known]
