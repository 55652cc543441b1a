"""A change of the data key on populated tables: everything stays readable and findable at every moment, and the old key is let go."""

import base64
import io
import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Q
from PIL import Image

from tests.access import make as access
from tests.journey import make
from tests.network import make as network_make
from zaitu.access.models import AuditEntry
from zaitu.config import keys
from zaitu.config.homes import Home
from zaitu.customers import public as customers
from zaitu.customers import services
from zaitu.customers.events import ContactErased
from zaitu.customers.models import Contact
from zaitu.journey import public as journey
from zaitu.journey.models import Proof, Shipment, StoredFile
from zaitu.kernel import rewriting
from zaitu.kernel.crypto import is_sealed, sealed_newly
from zaitu.kernel.errors import Conflict, Forbidden, RuleBroken, Unavailable
from zaitu.kernel.principal import Right
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.notify.models import Message, WebhookEndpoint

OLD, NEW, OTHER = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n", b"x"))


def photo():
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def home(tmp_path, settings):
    settings.ZAITU_DATA_KEY = OLD
    settings.MEDIA_ROOT = str(tmp_path / "files")
    home = Home(tmp_path)
    home.secret(keys.SECRET)
    home.secret_put(keys.SECRET, OLD)
    return home


@pytest.fixture
def company(db, home, settings):
    """A company with something in every table that is encrypted, under the old key; then the new key is put before it."""
    make.carrier()
    make.customer("ACME")
    network_make.driver("D001", phone="13700001234")
    notify.endpoint_put(
        actor=make.TEST,
        draft=notify.EndpointDraft(
            customer_code="ACME", url="https://erp.example.cn/hook", kinds=frozenset()
        ),
    )
    orders = [
        make.order(
            customer_code="ACME",
            client_ref=f"PO-{n}",
            consignee=make.party(name=f"收货{n}", phone=f"1381234{n:04}"),
        )
        for n in range(25)
    ]
    first = orders[0].waybill
    make.scan("unloaded", first, make.DESTINATION)
    stored = journey.file_store(actor=make.TEST, waybill=first, kind="photo", content=photo())
    plain = journey.file_store(actor=make.TEST, waybill=first, kind="photo", content=photo())
    path = home.path / "files" / StoredFile.objects.get(pk=plain).path
    path.write_bytes(photo())
    make.sign(first, photos=[stored])
    erased = Shipment.objects.get(waybill=orders[1].waybill).consignee_contact
    customers.contact_erase(actor=make.TEST, contact_id=erased, reason="本人要求")
    journey.on_contact_erased(ContactErased(contact_id=erased))
    settings.ZAITU_DATA_KEY = f"{NEW},{OLD}"
    home.secret_put(keys.SECRET, f"{NEW},{OLD}")
    return orders


def rewritten(home):
    """What was done, by table."""
    done = {}
    for batch in keys.rewrite(home):
        assert not batch.failed
        done[batch.what] = done.get(batch.what, 0) + batch.done
    return done


def found_by(text):
    query = journey.ShipmentQuery(text=text)
    return [row.waybill for row in journey.shipments_search(actor=make.TEST, query=query).rows]


def everything_works(orders):
    """Reads and look-ups of every kind, with the keys that are configured now."""
    waybill = orders[7].waybill
    assert found_by("13812340007") == [waybill]
    assert waybill in found_by("0007"), "four digits may be part of another waybill as well"
    assert found_by("收货七") == []
    assert customers.contact_ids_by_phone(actor=make.TEST, phone="13812340007") == [
        Shipment.objects.get(waybill=waybill).consignee_contact
    ]
    assert [person.name for person in journey.people_read(actor=make.TEST, waybill=waybill, reason="核对")][
        1
    ] == "收货7"
    again = make.order(
        customer_code="ACME", client_ref="PO-7", consignee=make.party(name="收货7", phone="13812340007")
    )
    assert (again.waybill, again.existing) == (waybill, True)
    assert network.driver_phone(actor=make.TEST, code="D001", reason="联系司机") == "13700001234"
    assert WebhookEndpoint.objects.get().secret.startswith("whsec_")
    assert "link" in Message.objects.filter(channel="email").first().words
    assert Proof.objects.get().signer == "王小明"
    for row in StoredFile.objects.all():
        begins = {"photo": b"\xff\xd8\xff", "signature": b"\x89PN"}[row.kind]
        assert journey.file_read(actor=make.TEST, file_id=str(row.pk))[0][:3] == begins
    tails = Shipment.objects.get(waybill=waybill).consignee_tail
    assert tails in customers.tail_indexes("0007")
    row = Shipment.objects.get(waybill=orders[1].waybill)
    assert (row.people, row.consignee_tail) == ([], "")
    assert row.consignor_tail in customers.tail_indexes("1111")


def test_with_both_keys_before_after_and_with_the_new_one_alone_everything_is_read_and_found(
    company, home, settings
):
    everything_works(company)
    contacts = Contact.objects.count()
    done = rewritten(home)
    assert done["journey_shipment"] == 25
    assert done["files"] == 3
    assert done["journey_order.fingerprint"] == 25
    assert set(done) >= {
        "customers_contact", "network_driver", "notify_message", "notify_webhookendpoint", "journey_proof",
        "journey_scanreceipt.fingerprint",
    }  # fmt: skip
    assert rewriting.remaining() == {}
    everything_works(company)
    settings.ZAITU_DATA_KEY = NEW
    everything_works(company)
    assert Contact.objects.count() == contacts, "known parties are known again"
    assert AuditEntry.objects.get(action="keys.rewrite").detail["rows"] == sum(done.values())


def test_done_again_it_does_nothing(company, home):
    rewritten(home)
    tokens = list(Contact.objects.values_list("fingerprint", flat=True))
    assert rewritten(home) == {}
    assert list(Contact.objects.values_list("fingerprint", flat=True)) == tokens
    assert AuditEntry.objects.filter(action="keys.rewrite").count() == 1


def test_stopped_in_the_middle_it_is_readable_and_goes_on_where_it_was(company, home, monkeypatch):
    monkeypatch.setattr(rewriting, "ROWS", 4)
    first = list(itertools.islice(keys.rewrite(home), 3))
    assert [(batch.what, batch.done) for batch in first] == [("customers_contact", 4)] * 3
    everything_works(company)
    left = rewriting.remaining()["customers_contact"]
    done = rewritten(home)
    assert done["customers_contact"] == left
    assert rewriting.remaining() == {}


def test_what_comes_in_between_is_written_under_the_new_key_with_known_people_too(company, home, settings):
    order = make.order(
        customer_code="ACME", client_ref="PO-new", consignee=make.party(name="收货3", phone="13812340003")
    )
    row = Shipment.objects.get(waybill=order.waybill)
    assert row.consignee_contact == Shipment.objects.get(waybill=company[3].waybill).consignee_contact
    rewritten(home)
    settings.ZAITU_DATA_KEY = NEW
    assert set(found_by("13812340003")) == {order.waybill, company[3].waybill}
    assert {order.waybill, company[3].waybill} <= set(found_by("0003"))
    assert Shipment.objects.get(waybill=order.waybill).consignee_tail in customers.tail_indexes("0003")
    with pytest.raises(Conflict):
        make.order(customer_code="ACME", client_ref="PO-new", consignee=make.party(name="别人"))


def newest_fingerprint(contact):
    parts = (contact.customer.code, contact.name, contact.phone, contact.city, contact.address, contact.email)
    return services._fingerprints(parts)[0]


def test_a_party_taken_in_twice_keeps_both_rows(company, home):
    kept = Contact.objects.get(pk=Shipment.objects.get(waybill=company[5].waybill).consignee_contact)
    twin = Contact.objects.create(
        customer=kept.customer, name=kept.name, phone=kept.phone, address=kept.address, email=kept.email,
        city=kept.city, fingerprint=newest_fingerprint(kept),
    )  # fmt: skip
    rewritten(home)
    kept.refresh_from_db()
    assert (kept.fingerprint, twin.fingerprint) == (None, Contact.objects.get(pk=twin.pk).fingerprint)
    assert customers.contact_ids_by_phone(actor=make.TEST, phone="13812340005") == [kept.pk]


def test_what_no_key_opens_is_left_as_it_is_and_keeps_the_old_key(company, home):
    broken = Contact.objects.order_by("pk").first()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_contact SET phone = 'AAAAAAAA' || phone WHERE id = %s", [broken.pk])
    on_it = Shipment.objects.filter(Q(consignor_contact=broken.pk) | Q(consignee_contact=broken.pk)).count()
    failed = [(batch.what, batch.failed) for batch in keys.rewrite(home) if batch.failed]
    assert failed == [("customers_contact", 1), ("journey_shipment", on_it)]
    assert rewriting.remaining() == dict(failed)
    with pytest.raises(RuleBroken, match=f"{1 + on_it} 项"):
        list(keys.retire(home))
    assert home.secret(keys.SECRET) == f"{NEW},{OLD}"


def test_the_old_key_is_dropped_when_nothing_needs_it(company, home):
    assert rewriting.remaining()["journey_shipment"] == 25
    assert sum(batch.done for batch in keys.retire(home)) > 100
    assert home.secret(keys.SECRET) == NEW
    assert (home.path / "secrets/data_key").stat().st_mode & 0o077 == 0


def test_files_are_not_exchanged_while_a_backup_copies_them(company, home):
    # Locks are the process's own: another one holds it, as a backup would.
    code = (
        "import sys, pathlib; from zaitu.config.homes import Home\n"
        f"with Home(pathlib.Path({str(home.path)!r})).locked('files'): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Conflict):
            rewritten(home)
        assert {is_sealed(path.read_bytes()) for path in files_of(home)} == {True, False}
    finally:
        holder.communicate()
    rewritten(home)
    assert all(sealed_newly(path.read_bytes()) for path in files_of(home))


def files_of(home):
    return [path for path in (home.path / "files").rglob("*") if path.is_file()]


def test_a_full_disk_stops_it_in_one_sentence_and_every_file_stays_whole(company, home, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Unavailable, match="No space left"):
        rewritten(home)
    monkeypatch.undo()
    everything_works(company)
    assert rewritten(home) == {"files": len(files_of(home))}


def test_a_file_that_is_gone_does_not_stop_the_others(company, home):
    files_of(home)[0].unlink()
    assert rewritten(home)["files"] == len(files_of(home)) > 0


def test_only_the_house_rewrites(db):
    for room in keys._ROOMS:
        with pytest.raises(Forbidden):
            room.keys_rewrite(actor=access.staff("admin"))
    with pytest.raises(Forbidden):
        journey.files_reseal(actor=access.key_of("ACME", *Right))


def test_no_room_that_encrypts_is_forgotten():
    ours = {room.__name__.split(".")[1] for room in keys._ROOMS}
    assert {model._meta.app_label for model in rewriting.encrypted_tables()} == ours


def test_a_key_of_another_installation_is_found_and_the_right_one_is_not(company, home, settings):
    for right in (f"{NEW},{OLD}", OLD, f"{OTHER},{OLD}"):
        settings.ZAITU_DATA_KEY = right
        keys.verify(home)
    settings.ZAITU_DATA_KEY = OTHER
    with pytest.raises(Unavailable, match=r"secrets/data_key 不是加密这个数据库的密钥.*放回原来的密钥"):
        keys.verify(home)


def test_damaged_values_do_not_pass_for_a_wrong_key(company, home):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_contact SET phone = 'AAAAAAAA' || phone, name = 'broken'")
    keys.verify(home)


def test_in_an_empty_database_any_key_is_right(db, home, settings):
    settings.ZAITU_DATA_KEY = OTHER
    keys.verify(home)


# Through the command


WRONG_FILES = {
    OTHER: "不是加密这个数据库的密钥",
    "c2hvcnQ=": "里不是数据密钥（第 1 个密钥是 5 字节",
    "": "里不是数据密钥",
    "密钥": "里不是数据密钥（不是 ASCII 文字）",
}


def test_a_wrong_key_file_is_told_at_start_in_one_sentence(installation):
    one = installation(new=False)
    path = one.home / "secrets/data_key"
    right = path.read_text()
    made = one.run("shell", "-c", _A_CONTACT)
    assert made.returncode == 0, made.stderr
    for written, expected in WRONG_FILES.items():
        path.write_text(written, "utf-8")
        one.output.unlink(missing_ok=True)
        one.launch()
        assert one.process.wait(60) == 2, one.said()
        (line,) = [line for line in one.said().splitlines() if line.startswith("zaitu:")]
        assert line.startswith(f"zaitu: {path} {expected}")
        assert "Traceback" not in one.said()
    path.write_text(right)
    one.up()
    assert one.stop() == 0


_A_CONTACT = """
from zaitu.customers.models import Contact, Customer
Contact.objects.create(
    customer=Customer.objects.create(code='KEYS', name='钥匙'), name='甲', phone='13800000000', fingerprint=None
)
"""


def test_a_key_is_changed_by_three_commands(installation):
    one = installation(new=False)
    before = (one.home / "secrets/data_key").read_text()
    rotated = one.run("keys", "rotate")
    assert rotated.returncode == 0, rotated.stderr
    newest, old = (one.home / "secrets/data_key").read_text().split(",")
    assert old == before
    assert one.run("keys").stdout.count("仅用于读取") == 1
    done = one.run("keys", "rewrite")
    assert (done.returncode, done.stdout) == (0, "已全部改用新密钥。\n")
    retired = one.run("keys", "retire")
    assert retired.returncode == 0, retired.stderr
    assert (one.home / "secrets/data_key").read_text() == newest


def test_a_key_is_not_changed_under_a_running_installation_or_from_outside(installation):
    one = installation(new=False)
    before = (one.home / "secrets/data_key").read_text()
    with Home(one.home).locked("up"):
        refused = one.run("keys", "rotate")
    assert (refused.returncode, refused.stderr.strip()) == (
        2,
        "zaitu: zaitu up 正在运行；请先停止它，再换密钥",
    )
    assert (one.home / "secrets/data_key").read_text() == before
    outside = installation("outside", data_key=OLD).run("keys", "rotate")
    assert outside.returncode == 2
    assert "ZAITU_DATA_KEY" in outside.stderr
