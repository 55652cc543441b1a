"""Who is shown the people of a parcel, on the phone."""

import pytest

from tests.field.make import action, send, worker
from tests.journey import make as journey_make
from tests.network import make as network_make
from zaitu.access.public import audit_list
from zaitu.kernel.principal import system

pytestmark = pytest.mark.django_db
TEST = system("test")


@pytest.fixture
def order():
    journey_make.carrier()
    return journey_make.order(pieces=3, items=(("KN-1", "刀具", 10), ("KN-2", "夹具", 2)))


def at_its_destination(order):
    journey_make.scan("collected", order.waybill)
    journey_make.scan("arrived", order.waybill, journey_make.DESTINATION)


def test_a_parcel_shows_goods_and_items_and_the_consignee_to_who_delivers_on_record(order):
    at_its_destination(order)
    driver, _ = worker("driver")
    send(driver, action("out_for_delivery", order.waybill, journey_make.DESTINATION))
    told = driver.get(f"/field/api/shipments/{order.waybill}?for=sign").json()
    assert [(item["sku"], item["quantity"]) for item in told["items"]] == [("KN-1", 10), ("KN-2", 2)]
    assert told["consignee"]["phone"] == "13812345678"
    actions = [entry.action for entry in audit_list(actor=TEST, page=1).rows]
    assert "personal.read" in actions


def consignee(client, order):
    return client.get(f"/field/api/shipments/{order.waybill}?for=sign").json()["consignee"]


def test_a_driver_reads_the_consignee_of_his_own_goods_only(order):
    (mine, user), (other, colleague) = worker("driver"), worker("driver")
    network_make.driver("D007", user_id=user.pk)
    network_make.driver("D008", user_id=colleague.pk)
    assert consignee(mine, order)["masked"], "on no trip yet"
    journey_make.on_trip(order.waybill, driver_code="D007")
    assert consignee(mine, order)["phone"] == "13812345678"
    assert consignee(other, order)["masked"], "on another's trip"
    assert "13812345678" not in str(consignee(other, order))
    reads = [row.actor for row in audit_list(actor=TEST, action="personal.read", page=1).rows]
    assert reads == [user.username]


def test_who_takes_it_out_for_delivery_reads_the_consignee_until_it_is_undone(order):
    at_its_destination(order)
    (first, _), (second, _) = worker("driver"), worker("driver")
    taken = action("out_for_delivery", order.waybill, journey_make.DESTINATION)
    send(first, taken)
    assert not consignee(first, order)["masked"]
    assert consignee(second, order)["masked"]
    send(first, action("undo", order.waybill, journey_make.DESTINATION, data={"key": taken["key"]}))
    assert consignee(first, order)["masked"]


def test_a_parcel_shows_no_person_to_who_only_counts_it(order):
    warehouse, _ = worker("warehouse")
    text = warehouse.get(f"/field/api/shipments/{order.waybill}?for=recheck").content.decode()
    assert "13812345678" not in text
    assert "王小明" not in text
