"""The tables of tests/console/pages.py against the views: nobody may call a page something else to be left alone."""

import pytest
from django.urls import reverse

from tests.console import make, pages
from tests.console.test_doors import address
from zaitu.console.urls import urlpatterns

pytestmark = pytest.mark.django_db
PATTERNS = {str(one.name): one for one in urlpatterns}


def test_every_address_is_a_page_that_is_looked_at_or_says_why_not():
    assert pages.unknown() == [], (
        "say in tests/console/pages.py how to fill the arguments, or why it is no page"
    )
    tables = [pages.FORMS, pages.FILES, pages.PARTS, set(pages.APART), set(pages.BY_KIND), set(pages.LINKED)]
    named = [name for table in tables for name in table]
    assert len(named) == len(set(named))
    assert set(named) <= set(PATTERNS), "names a pattern that is gone"


def test_what_is_said_to_be_no_page_is_none():
    world, client = make.world(), make.signed_in("administrator", "manager")
    wrong = []
    for name in pages.FORMS | pages.FILES | pages.PARTS:
        answer = client.get(address(PATTERNS[name], world))
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        found = (
            answer.status_code == 405
            if name in pages.FORMS
            else answer.status_code == 200
            and (answer["Content-Type"].startswith("text/html") == (name in pages.PARTS))
            and b"<html" not in body
        )
        if not found:
            wrong.append((name, answer.status_code, answer["Content-Type"]))
    assert wrong == []


def test_what_is_a_page_opens():
    client = make.signed_in("administrator", "manager")
    plain = [reverse(f"console:{name}") for name in pages.plain()]
    by_kind = [
        reverse(f"console:{name}", kwargs={"kind": kind})
        for name, kinds in pages.BY_KIND.items()
        for kind in kinds
    ]
    for path in plain + by_kind:
        answer = client.get(path)
        assert (answer.status_code, b"<html" in answer.content) == (200, True), path
