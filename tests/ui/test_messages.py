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


def test_a_catalogue_is_read_back_as_it_was_written(tmp_path):
    texts = {'一\\二"三\n四': '1\\2"3\n4', "五": ""}
    messages.write_po(tmp_path / "django.po", texts)
    assert messages.read_po(tmp_path / "django.po") == texts
