"""转单 and 拆单 on the page of a shipment."""

import pytest

from tests.access import make as people
from tests.console import make
from tests.journey import make as journey
from zaitu.access.models import ApiKey
from zaitu.access.public import RIGHTS, Role
from zaitu.journey.models import JourneyEvent, NumberLink, Shipment
from zaitu.journey.public import partner_names
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden
from zaitu.kernel.principal import Right

pytestmark = pytest.mark.django_db
PLANNERS = {role for role in make.ROLES if Right.TRIPS_PLAN in RIGHTS[Role(role)]}


@pytest.fixture
def order(db):
    journey.carrier()
    return journey.collected(pieces=3)


@pytest.fixture
def dispatch(db):
    return make.signed_in("dispatch")


def page(client, waybill):
    return client.get(f"/console/shipments/{waybill}").content.decode()


def forward(client, waybill, **typed):
    return client.post(
        f"/console/shipments/{waybill}/forward",
        {"carrier": "顺丰速运", "number": "sf1234567890"} | typed,
    )


def split(client, waybill, *labels):
    return client.post(f"/console/shipments/{waybill}/split", {"labels": list(labels)})


def test_a_shipment_is_forwarded_and_its_page_says_to_whom_under_which_number(order, dispatch):
    assert forward(dispatch, order.waybill, station_code=journey.ORIGIN).status_code == 302
    text = page(dispatch, order.waybill)
    assert "已转单，合作方单号也能查到这票货" in text
    assert text.count("SF1234567890") >= 2  # the goods' facts and the history
    assert "顺丰速运" in text
    assert journey.status(order.waybill) == ("in_transit", "handed_to_partner")
    assert forward(dispatch, order.waybill).status_code == 302
    assert NumberLink.objects.count() == 1


def test_a_voided_forwarding_says_which_truck_the_goods_ride_on_again(order, dispatch):
    trip = journey.on_trip(order.waybill)
    forward(dispatch, order.waybill, station_code=journey.ORIGIN)
    event = JourneyEvent.objects.get(kind="forwarded")
    answer = dispatch.post(
        f"/console/shipments/{order.waybill}/events/{event.pk}/void", {"reason": "转错了"}, follow=True
    )
    assert f"已恢复配载到车次 {trip.ref}" in answer.content.decode()
    assert not NumberLink.objects.exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"number": "1"}, "合作方单号须为 4–40 位"),
        ({"number": "运单号码"}, "合作方单号须为 4–40 位"),
        ({"number": "S" * 41}, "合作方单号须为 4–40 位"),
        ({"carrier": " "}, "请填写合作方名称"),
        ({"carrier": "顺" * 33}, "请填写合作方名称"),
        ({"number": "", "carrier": ""}, "请填写合作方名称"),
    ],
)
def test_what_is_wrong_with_a_forwarding_is_said_in_its_form_and_nothing_is_kept(
    order, dispatch, typed, said
):
    answer = forward(dispatch, order.waybill, **typed)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said in text
    assert "<details open><summary>转单" in text
    assert not NumberLink.objects.exists()
    assert not JourneyEvent.objects.filter(kind="forwarded").exists()


def test_an_unknown_station_is_refused(order, dispatch):
    answer = forward(dispatch, order.waybill, station_code="NOWHERE")
    assert answer.status_code == 422
    assert "请选择所在站点" in answer.content.decode()
    assert not NumberLink.objects.exists()


def test_a_part_is_split_off_and_both_pages_name_the_other(order, dispatch):
    answer = split(dispatch, order.waybill, order.pieces[1], order.pieces[2])
    part = Shipment.objects.get(parent__waybill=order.waybill)
    assert answer.status_code == 302
    text = page(dispatch, order.waybill)
    assert f"已拆出 2 件，子单 {part.waybill}" in text
    assert text.count(f'href="/console/shipments/{part.waybill}"') >= 2
    assert f'href="/console/shipments/{order.waybill}"' in page(dispatch, part.waybill)
    assert journey.page(part.waybill).row.pieces == 2


def test_a_split_sent_twice_is_one_split(order, dispatch):
    split(dispatch, order.waybill, order.pieces[2])
    again = split(dispatch, order.waybill, order.pieces[2])
    assert (again.status_code, "有标签不属于本运单" in again.content.decode()) == (422, True)
    assert Shipment.objects.count() == 2


def test_a_split_takes_something_and_leaves_something(order, dispatch):
    for labels, said in (((), "请选择要拆出的货件"), (order.pieces, "至少要留一件在原运单")):
        answer = split(dispatch, order.waybill, *labels)
        text = answer.content.decode()
        assert (answer.status_code, said in text) == (422, True)
        assert "<details open><summary>拆单" in text
    assert Shipment.objects.count() == 1


def test_a_finished_shipment_offers_neither_and_refuses_both(order, dispatch):
    journey.sign(order.waybill)
    assert 'id="numbers"' not in page(dispatch, order.waybill)
    assert forward(dispatch, order.waybill).status_code == 422
    assert split(dispatch, order.waybill, order.pieces[0]).status_code == 422
    assert (NumberLink.objects.count(), Shipment.objects.count()) == (0, 1)


def test_one_piece_alone_is_not_split(dispatch):
    journey.carrier()
    single = journey.order(pieces=1)
    text = page(dispatch, single.waybill)
    assert f"/console/shipments/{single.waybill}/forward" in text
    assert f"/console/shipments/{single.waybill}/split" not in text


@pytest.mark.parametrize("role", make.ROLES)
def test_only_who_plans_trips_forwards_and_splits(order, role):
    client, may = make.signed_in(role), role in PLANNERS
    assert ('id="numbers"' in page(client, order.waybill)) == may
    assert forward(client, order.waybill).status_code == (302 if may else 403)
    assert split(client, order.waybill, order.pieces[2]).status_code == (302 if may else 403)
    assert NumberLink.objects.exists() == may
    assert (Shipment.objects.count() == 2) == may


def test_a_shipment_that_is_not_there_is_not_found(dispatch):
    assert forward(dispatch, "ZT0000000000000").status_code == 404
    assert split(dispatch, "ZT0000000000000", "x").status_code == 404


def test_partners_known_by_a_key_or_a_forwarding_are_offered_where_their_name_must_be_the_same(
    order, dispatch
):
    boss = make.signed_in("administrator")
    boss.post("/console/keys/partner", {"partner": "蜀通快运", "partner_name": "事件回传"})
    other = journey.collected(pieces=1)
    forward(dispatch, other.waybill, carrier="德邦快递")
    offered = '<option value="德邦快递"></option><option value="蜀通快运"></option>'
    assert offered in page(dispatch, order.waybill)
    assert offered in boss.get("/console/keys").content.decode()
    ApiKey.objects.update(revoked_at=clock.now())
    assert '<option value="德邦快递"></option></datalist>' in page(dispatch, order.waybill)


@pytest.mark.parametrize("who", ["service", "warehouse", "driver", "finance"])
def test_who_neither_plans_nor_issues_keys_is_not_told_the_partners(order, who):
    assert 'id="partners"' not in page(make.signed_in(who), order.waybill)
    with pytest.raises(Forbidden):
        partner_names(actor=people.staff(who))


def test_a_customer_s_key_is_not_told_the_partners(db):
    with pytest.raises(Forbidden):
        partner_names(actor=people.key_of("ACME", Right.TRIPS_PLAN, Right.KEYS_MANAGE))
