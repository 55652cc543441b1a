"""What the console says: every text has its English, and every recorded action its words."""

import re
from pathlib import Path

import pytest

import zaitu
from tests.console import make
from tools.messages import faults, read_po
from zaitu.console.words import action_name

HERE = Path(zaitu.__file__).parent


def test_every_text_of_the_console_has_its_english():
    assert faults(HERE / "console") == []


@pytest.mark.parametrize("room", ["console", "portal"])
def test_no_english_counts_one_of_several(room):
    """Texts are counted in Chinese, which has one form: in English the number stands after a colon."""
    known = read_po(HERE / room / "locale/en/LC_MESSAGES/django.po").values()
    counted = re.compile(r"%\((?:n|count|failed|created|orders|trips|total)\)[sd] [a-z]+s\b")
    assert [text for text in known if counted.search(text)] == []


def test_every_action_that_a_room_records_has_words():
    found = set()
    for path in HERE.rglob("*.py"):
        found |= set(re.findall(r"""action=f?"([a-z_]+\.[a-z_]*)""", path.read_text(encoding="utf-8")))
    found |= {"network.create", "network.update", "webhook.create", "webhook.remove"}
    assert len(found) > 20
    assert {action for action in found if action_name(action) == "其他操作"} == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page",
    [
        "",
        "shipments",
        "orders/new",
        "trips",
        "map",
        "terminals",
        "users",
        "keys",
        "webhooks",
        "robots",
        "customers",
        "network/stations",
        "audit",
        "health",
        "me",
    ],
)
def test_english_pages_are_english(page):
    client = make.signed_in("administrator")
    text = client.get(f"/console/{page}?lang=en").content.decode()
    shown = re.sub(r"<script.*?</script>|<[^>]+>|\s+", " ", text, flags=re.DOTALL)
    assert re.findall(r"[\u4e00-\u9fff]+", shown) in ([], ["中文"], ["中文", "关键"])
