"""Files and reports of terminals under the data key, and what the disk does to them."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.kernel.crypto import sealed_newly, token_start
from zaitu.kernel.errors import Forbidden, Unavailable
from zaitu.kernel.principal import anyone
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.models import MediaFile, TerminalReport
from zaitu.telemetry.services.media import Sent, media_store

pytestmark = pytest.mark.django_db
OLD, NEW = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))
CONTENT = b"\xff\xd8\xff picture"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT, settings.ZAITU_DATA_KEY = str(tmp_path / "files"), OLD


def sent(terminal, *, taken_at=None, content=CONTENT):
    fields = {"media_id": 1, "media_kind": "image", "media_format": "jpeg", "event": "timed", "channel": 1}
    return Sent(terminal=terminal, fields=fields, taken_at=taken_at, content=content)


def test_a_new_data_key_takes_files_and_reports_along(settings):
    number, _, _ = make.terminal()
    media_store(sent(number), now=clock.now())
    body = json.dumps({"text": "收货人"})
    TerminalReport.objects.create(
        terminal=number, kind="waybill", at=clock.now(), received_at=clock.now(), body=body
    )
    settings.ZAITU_DATA_KEY = f"{NEW},{OLD}"
    row = MediaFile.objects.get()
    path = Path(default_storage.path(row.path))
    assert not sealed_newly(path.read_bytes())
    assert [batch.done for batch in telemetry.files_reseal(actor=make.ACTOR)] == [1]
    assert [batch.done for batch in telemetry.keys_rewrite(actor=make.ACTOR)] == [1]
    settings.ZAITU_DATA_KEY = NEW
    assert sealed_newly(path.read_bytes())
    assert telemetry.media_read(actor=make.ACTOR, media_id=str(row.pk))[0] == CONTENT
    assert TerminalReport.objects.get().body == body
    raw = TerminalReport.objects.extra(select={"raw": "body::text"}).values_list("raw", flat=True)[0]
    assert raw.startswith(token_start())
    assert [*telemetry.files_reseal(actor=make.ACTOR), *telemetry.keys_rewrite(actor=make.ACTOR)] == []
    for call in (telemetry.files_reseal, telemetry.keys_rewrite):
        with pytest.raises(Forbidden):
            list(call(actor=anyone()))


def test_a_file_that_no_key_opens_is_counted_and_left(settings):
    number, _, _ = make.terminal()
    media_store(sent(number), now=clock.now())
    settings.ZAITU_DATA_KEY = NEW
    assert [(batch.done, batch.failed) for batch in telemetry.files_reseal(actor=make.ACTOR)] == [(0, 1)]


def test_a_picture_belongs_to_the_vehicle_the_terminal_was_in_when_it_was_taken():
    number, vehicle_id, _ = make.terminal()
    now = clock.now()
    media_store(sent(number, taken_at=now - timedelta(days=1)), now=now)
    media_store(sent(number, taken_at=now - timedelta(days=60), content=b"older"), now=now)
    media_store(sent(number, taken_at=now - timedelta(days=9000), content=b"no clock"), now=now)
    rows = MediaFile.objects.order_by("taken_at").values_list("vehicle_id", "taken_at")
    assert [vehicle for vehicle, _ in rows] == [None, vehicle_id, vehicle_id]
    # A time that means nothing: when it came.
    assert rows[2][1] == now


def test_a_full_disk_leaves_neither_row_nor_file(monkeypatch):
    number, _, _ = make.terminal()

    def full(_name, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    with pytest.raises(Unavailable):
        media_store(sent(number), now=clock.now())
    assert not MediaFile.objects.exists()
