"""The English catalogues: whole, compiled, and readable by gettext itself."""

import gettext
import io
from pathlib import Path

import pytest

import zaitu
from tools import messages

ROOMS = sorted(path.parent for path in Path(zaitu.__file__).parent.glob("*/locale"))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_everything_a_room_says_has_english(room):
    assert messages.faults(room) == []


def test_a_room_that_translates_has_a_catalogue():
    root = Path(zaitu.__file__).parent
    speaking = {path.parent for path in root.glob("*/apps.py") if messages.collect(path.parent)}
    assert speaking <= set(ROOMS)


def test_the_compiled_form_is_gettexts_own():
    texts = {"第 %(n)s 页": "Page %(n)s", '引号 " 与\n换行': 'quote " and\nbreak', "未译": ""}
    catalogue = gettext.GNUTranslations(io.BytesIO(messages.compiled(texts)))
    assert catalogue.gettext("第 %(n)s 页") == "Page %(n)s"
    assert catalogue.gettext('引号 " 与\n换行') == 'quote " and\nbreak'
    assert catalogue.gettext("未译") == "未译", "without English the Chinese is shown"


def test_one_text_can_have_two_meanings(tmp_path):
    (tmp_path / "views.py").write_text('_("客户"); pgettext("one", "客户")', encoding="utf-8")
    page = tmp_path / "templates" / "page.html"
    page.parent.mkdir()
    page.write_text('{% load i18n %}{% trans "司机" context "one" %}{% trans "司机" %}', encoding="utf-8")
    assert messages.collect(tmp_path) == {"客户", "one\x04客户", "司机", "one\x04司机"}
    compiled = messages.compiled({"客户": "Customers", "one\x04客户": "Customer"})
    catalogue = gettext.GNUTranslations(io.BytesIO(compiled))
    assert catalogue.pgettext("one", "客户") == "Customer"
    assert catalogue.gettext("客户") == "Customers"


def test_a_catalogue_is_read_back_as_it_was_written(tmp_path):
    texts = {'一\\二"三\n四': '1\\2"3\n4', "五": "", "客户": "Customers", "one\x04客户": "Customer"}
    messages.write_po(tmp_path / "django.po", texts)
    assert messages.read_po(tmp_path / "django.po") == texts
