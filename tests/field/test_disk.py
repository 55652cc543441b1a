"""A full disk on upload, on a real file system that is full."""

import io
import os

import pytest
from PIL import Image

from tests.disks import small_disk
from tests.field.make import picture, upload, worker
from tests.journey import make as journey_make
from zaitu.journey.models import StoredFile

pytestmark = [pytest.mark.django_db, pytest.mark.fault]


@pytest.fixture
def disk(tmp_path, settings):
    """The files of this installation on a file system of 64 KiB."""
    with small_disk(tmp_path / "files", "64k") as disk:
        settings.MEDIA_ROOT = str(disk.path)
        yield disk.path


@pytest.fixture
def order():
    journey_make.carrier()
    return journey_make.order()


def noise(side=600):
    """A photo that does not compress: more than the disk holds."""
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(out, "JPEG", quality=90)
    return out.getvalue()


def test_a_full_disk_is_told_as_such_and_leaves_nothing_half(order, disk):
    client, _ = worker("driver")
    answer = upload(client, noise(), code=order.waybill)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (507, "disk_full")
    assert "服务器存储空间已满" in problem["detail"]
    assert not StoredFile.objects.exists()
    assert [path for path in disk.rglob("*") if path.is_file()] == []


def test_what_fits_is_still_kept_after_what_did_not(order, disk):
    client, _ = worker("driver")
    assert upload(client, noise(), code=order.waybill).status_code == 507
    assert upload(client, picture(), code=order.waybill).status_code == 200
    assert StoredFile.objects.count() == 1
