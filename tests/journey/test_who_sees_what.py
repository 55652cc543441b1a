"""Who sees and finds which shipments: to everybody, one that is not theirs is one that does not exist."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from tests.access import make as access
from tests.journey import make
from zaitu.access.models import AuditEntry
from zaitu.customers.events import ContactErased
from zaitu.journey import public as journey
from zaitu.journey.models import Proof, Shipment, StoredFile
from zaitu.kernel.crypto import is_sealed
from zaitu.kernel.errors import Forbidden, Invalid, NotFound, Unavailable
from zaitu.kernel.principal import Right, anyone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carrier(db):
    make.carrier()
    make.customer("ACME", name="江南精密仪器")
    make.customer("BETA", name="蜀锦家居")


def key(code, *rights):
    return access.key_of(code, *(rights or (Right.SHIPMENTS_READ, Right.TRACK_EXACT, Right.LABELS_PRINT)))


READS = {
    "shipment_page": lambda actor, waybill: journey.shipment_page(actor=actor, waybill=waybill),
    "events_of": lambda actor, waybill: journey.events_of(actor=actor, waybill=waybill),
    "labels": lambda actor, waybill: journey.labels(actor=actor, waybill=waybill),
    "track": lambda actor, waybill: journey.track(actor=actor, waybill=waybill),
    "people_read": lambda actor, waybill: journey.people_read(actor=actor, waybill=waybill, reason="核对"),
}


@pytest.mark.parametrize("name", READS)
def test_another_customers_shipment_is_answered_like_none_at_all(name):
    theirs = make.order(customer_code="BETA").waybill
    answers = []
    for waybill in (theirs, "ZT0000000000000", "nonsense"):
        with pytest.raises(NotFound) as caught:
            READS[name](key("ACME"), waybill)
        answers.append((type(caught.value), caught.value.message))
    assert len(set(answers)) == 1
    assert READS[name](key("BETA"), theirs)


@pytest.mark.parametrize("name", READS)
def test_a_stranger_and_a_right_less_key_are_refused(name):
    order = make.order(customer_code="ACME").waybill
    for actor in (anyone(), access.key_of("ACME")):
        with pytest.raises((Forbidden, NotFound)):
            READS[name](actor, order)


def test_a_retail_shipment_is_nobodys_key():
    order = make.order().waybill
    with pytest.raises(NotFound):
        journey.track(actor=key("ACME"), waybill=order)
    with pytest.raises(NotFound):
        journey.track(actor=access.key_of("", Right.SHIPMENTS_READ), waybill=order)


def test_a_link_opens_its_own_shipment_only():
    mine, other = make.order().waybill, make.order().waybill
    holder = access.link_to(mine, Right.TRACK_EXACT)
    assert journey.track(actor=holder, waybill=mine).waybill == mine
    assert journey.people_read(actor=holder, waybill=mine, reason="")[1].name == "王小明"
    with pytest.raises(NotFound):
        journey.track(actor=holder, waybill=other)
    with pytest.raises(Forbidden):
        journey.shipment_page(actor=holder, waybill=mine)


def test_people_are_masked_for_staff_until_they_say_why_and_that_is_recorded():
    order = make.order().waybill
    staff = access.staff("service")
    masked = journey.shipment_page(actor=staff, waybill=order).people
    assert [person.name for person in masked] == ["李**", "王**"]
    assert all("5678" not in person.phone for person in masked)
    whole = journey.people_read(actor=staff, waybill=order, reason="客户来电")
    assert whole[1].phone == "13812345678"
    assert AuditEntry.objects.filter(action="personal.read").count() == 1


def test_a_customer_sees_what_happened_and_not_who_of_us_told_it():
    order = make.order(customer_code="ACME")
    make.scan("inbound", order.waybill, key="wrong")
    journey.scan_undo(actor=make.TEST, key="wrong")
    make.scan("inbound", order.waybill, data={"note": "内部备注"})
    theirs = journey.events_of(actor=key("ACME"), waybill=order.waybill)
    assert [event.kind for event in theirs] == ["inbound", "ordered"]
    assert all(event.actor == "" and event.data == {} for event in theirs)
    ours = journey.events_of(actor=make.TEST, waybill=order.waybill)
    assert [event.kind for event in ours] == ["inbound", "voided", "inbound", "ordered"]


def test_a_key_with_the_scope_labels_alone_prints_its_labels():
    order = make.order(customer_code="ACME", pieces=2)
    labels = journey.labels(actor=key("ACME", Right.LABELS_PRINT), waybill=order.waybill)
    assert [label.label for label in labels] == list(order.pieces)
    assert labels[0].to_city == "成都"


# Search


def found(text="", actor=make.TEST, **fields):
    page = journey.shipments_search(actor=actor, query=journey.ShipmentQuery(text=text, **fields))
    return {row.waybill for row in page.rows}


def test_every_way_to_find_a_shipment():
    order = make.order(goods="数控刀具", customer_code="ACME", client_ref="PO-778899")
    make.order(goods="纺织品", consignee=make.party(name="赵六", phone="13711112222"))
    mine = {order.waybill}
    assert found(order.waybill) == mine
    assert found(order.waybill[4:11]) == mine
    assert found(f" {order.waybill[:6]} {order.waybill[6:]} ") == mine
    assert found("刀具") == mine
    assert found("数控 江南") == mine
    assert found("江南精密") == mine
    assert found("王小明") == mine
    assert found("138 1234 5678") == mine
    assert found("5678") == mine
    assert found("PO-778899") == mine
    assert len(found("成都")) == 2
    assert found("王小") == set()
    assert found("不存在的货") == set()
    assert found("%_'\\") == set()


def test_filters_narrow_and_sort():
    first, second = make.order(), make.order()
    make.scan("problem", second.waybill, data={"reason": "damaged"})
    make.scan("inbound", first.waybill)
    assert found(status="awaiting_departure") == {first.waybill}
    assert found(exception="any") == {second.waybill}
    assert found(exception="damaged") == {second.waybill}
    assert found(exception="short") == set()
    assert found(station=make.HUB) == set()
    assert found(station=make.ORIGIN) == {first.waybill, second.waybill}
    make.on_trip(first.waybill)
    assert found(line=make.LINE) == {first.waybill}
    rows = journey.shipments_search(
        actor=make.TEST, query=journey.ShipmentQuery(sort="ordered_at"), size=1, page=2
    )
    assert ([row.waybill for row in rows.rows], rows.total) == ([second.waybill], 2)
    with pytest.raises(Invalid):
        found(sort="notice_link")


def test_a_key_finds_its_own_only_by_whatever_it_asks():
    mine = make.order(customer_code="ACME").waybill
    theirs = make.order(customer_code="BETA").waybill
    for text in ("", theirs, theirs[4:12], "王小明", "5678", "刀具", "蜀锦家居"):
        assert found(text, actor=key("ACME")) <= {mine}
    assert found(actor=key("ACME"), customer="BETA") == set()
    assert found(actor=key("ACME")) == {mine}


def test_a_page_of_rows_takes_as_many_queries_whatever_its_size():
    def queries():
        with CaptureQueriesContext(connection) as counted:
            found("成都")
        return len(counted)

    make.order()
    few = queries()
    for _ in range(12):
        make.order()
    assert queries() == few <= 5


def test_an_erased_person_is_found_no_more_and_the_record_stays():
    order = make.collected()
    make.sign(order.waybill)
    contact = Shipment.objects.get(waybill=order.waybill).consignee_contact
    assert found("王小明") == {order.waybill}
    for _ in range(2):
        journey.on_contact_erased(ContactErased(contact_id=contact))
    assert found("王小明") == found("5678") == set()
    assert Shipment.objects.get(waybill=order.waybill).consignee_tail == ""
    assert Proof.objects.get().signer == ""
    assert make.status(order.waybill) == ("signed", "consignee")


# Files


def image(size=(80, 60), kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind)
    return out.getvalue()


@pytest.fixture
def files(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def test_a_photo_is_written_anew_and_read_by_those_who_see_the_shipment(files):
    order = make.order(customer_code="ACME")
    stored = journey.file_store(
        actor=access.staff("driver"), waybill=order.waybill, kind="photo", content=image((4000, 3000))
    )
    content, mime = journey.file_read(actor=key("ACME"), file_id=stored)
    assert mime == "image/jpeg"
    assert content[:3] == b"\xff\xd8\xff"
    with Image.open(io.BytesIO(content)) as kept:
        assert max(kept.size) == 1600
    with pytest.raises(NotFound):
        journey.file_read(actor=key("BETA"), file_id=stored)
    for nothing in ("6f1c2c0e-0000-4000-8000-000000000000", "../../etc/passwd", ""):
        with pytest.raises(NotFound):
            journey.file_read(actor=key("ACME"), file_id=nothing)


def test_on_the_disk_an_image_is_sealed_and_exchanged_ones_do_not_open(files):
    one, two = (
        journey.file_store(actor=make.TEST, waybill=make.order().waybill, kind="photo", content=image(size))
        for size in ((80, 60), (60, 80))
    )
    first, second = (files / StoredFile.objects.get(pk=pk).path for pk in (one, two))
    for path in (first, second):
        assert is_sealed(path.read_bytes())
        with pytest.raises(OSError, match="cannot identify"):
            Image.open(path)
    second.write_bytes(first.read_bytes())
    with pytest.raises(Unavailable):
        journey.file_read(actor=make.TEST, file_id=two)
    assert journey.file_read(actor=make.TEST, file_id=one)[0][:3] == b"\xff\xd8\xff"


def test_an_image_stored_before_files_were_sealed_is_still_read(files):
    stored = journey.file_store(
        actor=make.TEST, waybill=make.order().waybill, kind="signature", content=image()
    )
    row = StoredFile.objects.get(pk=stored)
    plain = image()
    (files / row.path).write_bytes(plain)
    assert journey.file_read(actor=make.TEST, file_id=stored) == (plain, "image/png")


def test_a_file_that_grew_is_not_read_into_memory(files):
    stored = journey.file_store(actor=make.TEST, waybill=make.order().waybill, kind="photo", content=image())
    with (files / StoredFile.objects.get(pk=stored).path).open("ab") as handle:
        handle.truncate(200 * 1024 * 1024)
    with pytest.raises(Unavailable):
        journey.file_read(actor=make.TEST, file_id=stored)


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload=alert(1)>", b"GIF89a", image()[:40], b"%PDF-1.4", b"\xff\xd8\xff\xe0broken"],
)
def test_what_is_no_photo_is_refused_and_leaves_no_file(files, content):
    order = make.order()
    with pytest.raises(Invalid):
        journey.file_store(actor=make.TEST, waybill=order.waybill, kind="photo", content=content)
    assert not list(files.rglob("*.*"))


def test_a_customer_or_link_stores_no_files(files):
    order = make.order(customer_code="ACME")
    for actor in (key("ACME", *Right), access.link_to(order.waybill, *Right)):
        with pytest.raises(Forbidden):
            journey.file_store(actor=actor, waybill=order.waybill, kind="photo", content=image())


def test_a_signature_with_photo_and_place_becomes_the_proof(files):
    order = make.order(customer_code="ACME")
    make.scan("unloaded", order.waybill, make.DESTINATION)
    signature = journey.file_store(actor=make.TEST, waybill=order.waybill, kind="signature", content=image())
    photo = journey.file_store(actor=make.TEST, waybill=order.waybill, kind="photo", content=image())
    make.sign(order.waybill, signature=signature, photos=[photo])
    proof = make.page(order.waybill).document["proofs"][0]
    assert (proof["signature"], proof["photos"]) == (signature, [photo])


def test_a_photo_of_another_shipment_proves_nothing(files):
    order, other = make.collected(), make.order()
    photo = journey.file_store(actor=make.TEST, waybill=other.waybill, kind="photo", content=image())
    refused = make.sign(order.waybill, photos=[photo])
    assert refused.level == "wrong"
    assert not Proof.objects.exists()
