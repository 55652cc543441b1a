"""What is no photo, and whose it may not be."""

import pytest

from tests.field.make import picture, upload, worker
from tests.journey import make as journey_make
from zaitu.field import api
from zaitu.journey.models import StoredFile

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    journey_make.carrier()
    return journey_make.order(pieces=3)


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 100, b"\xff\xd8\xff\xe0 cut", b"MZ" + b"\0" * 200],
    ids=["empty", "svg", "gif", "cut jpeg", "program"],
)
def test_what_is_no_photo_is_refused_and_not_kept(order, content):
    client, _ = worker("driver")
    answer = upload(client, content, code=order.waybill)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert not StoredFile.objects.exists()


def test_a_photo_over_the_limit_is_refused(order):
    client, _ = worker("driver")
    answer = upload(client, b"\xff" * (api.FILE_MAX_BYTES + 1), code=order.waybill)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not StoredFile.objects.exists()


def test_a_photo_of_an_unknown_parcel_is_refused(order):
    client, _ = worker("driver")
    assert upload(client, picture(), code="ZT0000000000000").status_code == 404


def test_finance_uploads_nothing(order):
    client, _ = worker("finance")
    assert upload(client, picture(), code=order.waybill).status_code == 403
