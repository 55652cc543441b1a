"""Every action of the phone through HTTP, with a session and its CSRF token, as the phone sends it."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError

from tests.field.make import action, picture, send, upload, worker
from tests.journey import make as journey_make
from tests.network import make as network_make
from zaitu.access.domain.rights import STAFF_ROLES
from zaitu.access.models import Team
from zaitu.access.public import audit_list
from zaitu.field import api
from zaitu.journey import public as journey
from zaitu.journey.models import JourneyEvent, StoredFile, Trip
from zaitu.kernel import clock
from zaitu.kernel.principal import system

pytestmark = pytest.mark.django_db
TEST = system("test")


@pytest.fixture
def order():
    journey_make.carrier()
    return journey_make.order(pieces=3, items=(("KN-1", "刀具", 10), ("KN-2", "夹具", 2)))


@pytest.fixture
def trip(order):
    return journey_make.on_trip(order.waybill)


def told(response):
    assert response.status_code == 200, response.content.decode()
    return response.json()["result"]


def problem(answer, status, code):
    assert answer.status_code == status, answer.content.decode()
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)


def kinds(waybill):
    return [
        event.kind
        for event in reversed(journey.events_of(actor=TEST, waybill=waybill))
        if event.source == "scan"
    ]


def test_a_parcel_is_carried_from_the_sender_to_the_signature(order, trip):
    warehouse, _ = worker("warehouse")
    for kind in ("collected", "inbound", "sorted"):
        for number, label in enumerate(order.pieces, start=1):
            result = told(send(warehouse, action(kind, label)))
            assert (result["level"], result["counts"]["scanned"], result["counts"]["short"]) == (
                "ok",
                number,
                3 - number,
            )
    data = {"pieces": 3, "items": {"KN-1": 10, "KN-2": 2}}
    assert told(send(warehouse, action("rechecked", order.waybill, data=data)))["level"] == "ok"
    for label in order.pieces:
        assert told(send(warehouse, action("loaded", label, trip=trip.ref)))["level"] == "ok"
    driver, _ = worker("driver")
    warehouse, _ = worker("warehouse", station="CDQB")
    assert told(send(driver, action("departed", trip.ref, trip=trip.ref)))["level"] == "ok"
    assert told(send(driver, action("arrived", trip.ref, "CDQB", trip=trip.ref)))["level"] == "ok"
    for label in order.pieces:
        assert told(send(warehouse, action("unloaded", label, "CDQB", trip=trip.ref)))["level"] == "ok"
    assert told(send(warehouse, action("inspected", order.waybill, "CDQB")))["level"] == "ok"
    assert told(send(driver, action("out_for_delivery", order.waybill, "CDQB")))["level"] == "ok"
    signature = upload(driver, picture(encoding="PNG"), code=order.waybill, kind="signature").json()["id"]
    photo = upload(driver, picture(), code=order.waybill).json()["id"]
    data = {
        "signer": "王小明",
        "relation": "consignee",
        "signature": signature,
        "photos": [photo],
        "place": {"lat": 30.57, "lon": 104.06, "acc_m": 12},
    }
    result = told(send(driver, action("signed", order.waybill, "CDQB", data=data)))
    assert (result["level"], result["status"], result["status_text"]) == ("ok", "signed", "已签收")
    (proof,) = journey.shipment_page(actor=TEST, waybill=order.waybill).proofs
    assert (proof.signature, proof.photos, proof.lat, proof.accuracy_m) == (signature, (photo,), 30.57, 12)


def test_a_recheck_that_does_not_match_blocks_loading_until_it_does(order, trip):
    client, _ = worker("warehouse")
    bad = told(
        send(client, action("rechecked", order.waybill, data={"pieces": 2, "items": {"KN-1": 9, "KN-2": 2}}))
    )
    assert bad["level"] == "warn"
    assert "应 3 件，实 2 件" in bad["message"]
    assert "KN-1 应 10、实 9" in bad["message"]
    blocked = told(send(client, action("loaded", order.pieces[0], trip=trip.ref)))
    assert (blocked["level"], "复核" in blocked["message"]) == ("wrong", True)
    pieces_alone = told(send(client, action("rechecked", order.waybill, data={"pieces": 3})))
    assert (pieces_alone["level"], "逐项清点" in pieces_alone["message"]) == ("wrong", True)
    data = {"pieces": 3, "items": {"KN-1": 10, "KN-2": 2}}
    assert told(send(client, action("rechecked", order.waybill, data=data)))["level"] == "ok"
    assert told(send(client, action("loaded", order.pieces[0], trip=trip.ref)))["level"] == "ok"


def test_a_signature_is_proved_on_the_server_as_on_the_phone(order):
    client, _ = worker("driver")
    told(send(client, action("collected", order.waybill)))
    bare = told(send(client, action("signed", order.waybill, "CDQB", data={"signer": "王小明"})))
    assert (bare["level"], bare["message"]) == ("wrong", "请签名，或拍一张照片作为凭证")
    photo = upload(client, picture(), code=order.waybill).json()["id"]
    data = {"signer": "王小明", "photos": [photo]}
    proved = told(send(client, action("signed", order.waybill, "CDQB", data=data)))
    assert (proved["level"], proved["status"]) == ("warn", "signed")
    assert kinds(order.waybill) == ["collected", "signed"]


def test_refusal_and_problem_are_kept_with_their_photos(order):
    client, _ = worker("driver")
    told(send(client, action("collected", order.waybill)))
    photo = upload(client, picture(), code=order.waybill).json()["id"]
    refused = told(
        send(client, action("refused", order.waybill, "CDQB", data={"note": "外箱破损", "photos": [photo]}))
    )
    assert (refused["level"], "还没有到达记录" in refused["message"]) == ("warn", True)
    problem = told(
        send(client, action("problem", order.waybill, "CDQB", data={"reason": "damaged", "note": "一角压坏"}))
    )
    assert problem["message"] == "已登记：货物破损"
    assert kinds(order.waybill) == ["collected", "refused", "problem"]


def test_the_same_action_sent_many_times_is_applied_once_and_answered_alike(order):
    client, _ = worker("warehouse")
    one = action("collected", order.pieces[0])
    first = told(send(client, one))
    again = [told(send(client, one)) for _ in range(3)]
    assert {answer["event_id"] for answer in again} == {first["event_id"]}
    assert all(answer["duplicate"] for answer in again)
    assert kinds(order.waybill) == ["collected"]


def test_a_key_of_another_scan_is_refused(order):
    client, _ = worker("warehouse")
    one = action("collected", order.pieces[0])
    send(client, one)
    answer = send(client, {**one, "code": order.pieces[1]})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert kinds(order.waybill) == ["collected"]


def test_a_photo_sent_again_is_the_same_file(order):
    client, _ = worker("driver")
    file_id = uuid.uuid4()
    first = upload(client, picture(), code=order.waybill, file_id=file_id)
    second = upload(client, picture(), code=order.waybill, file_id=file_id)
    assert first.json() == second.json() == {"id": str(file_id)}
    assert StoredFile.objects.count() == 1


def test_a_scan_is_undone_by_its_key_and_the_piece_can_be_scanned_again(order):
    client, _ = worker("warehouse")
    one = action("collected", order.pieces[0])
    send(client, one)
    undone = told(send(client, action("undo", order.pieces[0], "", data={"key": one["key"]})))
    assert undone["level"] == "ok"
    again = told(send(client, action("collected", order.pieces[0])))
    assert (again["level"], again["duplicate"], again["counts"]["scanned"]) == ("ok", False, 1)


def test_what_was_put_away_on_the_phone_is_on_record_with_its_reason(order):
    client, _ = worker("warehouse")
    data = {"key": str(uuid.uuid4()), "kind": "loaded", "message": "装错车", "reason": "已改用纸单"}
    told(send(client, action("dismiss", order.pieces[0], data=data)))
    (entry,) = audit_list(actor=TEST, subject=order.pieces[0], page=1).rows
    assert (entry.action, entry.detail["reason"], entry.detail["kind"]) == (
        "field.dismiss",
        "已改用纸单",
        "loaded",
    )


@pytest.mark.parametrize(
    "body", ["", "[]", "{", "null", '"x"', "[" * 50_000], ids=["empty", "list", "cut", "null", "text", "deep"]
)
def test_what_is_no_action_is_refused(order, body):
    client, _ = worker("warehouse")
    token = client.cookies["csrftoken"].value
    answer = client.post(
        "/field/api/actions", body, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "teleported"},
        {"kind": "cancelled"},
        {"kind": ""},
        {"kind": 7},
        {"code": ""},
        {"code": None},
        {"code": "ZT\0"},
        {"station": "XXXX"},
        {"station": ""},
        {"at": "yesterday"},
        {"at": "2026-11-22T08:00:00"},
        {"key": "1"},
        {"key": ""},
        {"data": []},
        {"data": {"pieces": -1}, "code": "waybill"},
        {"data": {"pieces": "many"}, "code": "waybill"},
        {"data": {"pieces": True}},
        {"data": {"pieces": "3"}},
        {"data": {"items": [["KN-1", 10]], "pieces": 3}, "kind": "rechecked", "code": "waybill"},
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_nothing_is_recorded(order, wrong):
    client, _ = worker("warehouse")
    one = action("collected", order.pieces[0]) | wrong
    if one["code"] == "waybill":
        one["code"] = order.waybill
    answer = send(client, one)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert kinds(order.waybill) == []


def test_an_unknown_number_is_told_and_nothing_of_it_is_stored(order):
    client, _ = worker("warehouse")
    result = told(send(client, action("collected", "ZT0000000000000")))
    assert (result["level"], result["waybill"]) == ("wrong", None)
    assert not JourneyEvent.objects.filter(source="scan").exists()


HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}'\"; DROP TABLE journey_shipment;-- \u202e𝕏"


def test_hostile_words_are_words_and_those_that_turn_a_line_round_are_dropped(order):
    client, _ = worker("driver")
    told(send(client, action("collected", order.waybill)))
    answer = told(send(client, action("refused", order.waybill, "CDQB", data={"note": HOSTILE})))
    assert answer["level"] == "warn"
    (event,) = [one for one in journey.events_of(actor=TEST, waybill=order.waybill) if one.kind == "refused"]
    assert event.data["cause"] == HOSTILE.replace("\u202e", "")


def test_hostile_codes_are_not_found(order):
    client, _ = worker("warehouse")
    for code in (HOSTILE, "../../etc/passwd", "Z" * 5_000, "%00", "ZT'--"):
        answer = send(client, action("collected", code))
        assert answer.status_code in (200, 422)
        assert answer.status_code == 422 or answer.json()["result"]["level"] == "wrong"


# Who may what.

SCANS = {
    "collected": {"warehouse", "driver", "manager", "administrator"},
    "inbound": {"warehouse", "manager", "administrator"},
    "sorted": {"warehouse", "manager", "administrator"},
    "rechecked": {"warehouse", "manager", "administrator"},
    "loaded": {"warehouse", "driver", "manager", "administrator"},
    "departed": {"warehouse", "driver", "manager", "administrator"},
    "arrived": {"warehouse", "driver", "manager", "administrator"},
    "unloaded": {"warehouse", "driver", "manager", "administrator"},
    "inspected": {"warehouse", "manager", "administrator"},
    "out_for_delivery": {"warehouse", "driver", "manager", "administrator"},
    "signed": {"warehouse", "driver", "manager", "administrator"},
    "refused": {"warehouse", "driver", "manager", "administrator"},
    "problem": {"service", "dispatch", "warehouse", "driver", "manager", "administrator"},
}


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
def test_every_role_may_do_its_scans_and_no_others(order, role):
    client, _ = worker(role)
    taken, refused = set(), set()
    for kind in SCANS:
        answer = send(
            client, action(kind, order.waybill, data={"reason": "other", "signer": "王", "note": "破"})
        )
        (taken if answer.status_code == 200 else refused).add(kind)
        assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert taken == {kind for kind, roles in SCANS.items() if role in roles}
    assert not refused & set(kinds(order.waybill))


def test_the_phone_offers_just_the_actions_that_the_server_takes():
    """kinds.js names rights; the journey decides. Both say the same for every kind on the phone."""
    text = (Path(api.__file__).parent / "static" / "field" / "kinds.js").read_text(encoding="utf-8")
    for kind in SCANS:
        assert f"  {kind}: {{ label:" in text
        assert kind in {known.value for known in journey.SCANS}


@pytest.mark.parametrize("path", ["me", "trips", "stations", "shipments/ZT1", "trips/T20261122-001/sheet"])
def test_without_a_session_nothing_is_told(client, path):
    answer = client.get(f"/field/api/{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert "application/problem+json" in answer["Content-Type"]


def test_a_person_who_left_is_out_at_once(order):
    client, user = worker("warehouse")
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert send(client, action("collected", order.pieces[0])).status_code == 401
    assert kinds(order.waybill) == []


def test_without_the_token_of_the_page_nothing_is_done(order):
    client, _ = worker("warehouse")
    one = action("collected", order.pieces[0])
    answer = client.post(
        "/field/api/actions", one, content_type="application/json", headers={"Accept": "*/*"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert kinds(order.waybill) == []


def test_a_fresh_token_is_to_be_had_without_reloading(order):
    client, _ = worker("warehouse")
    client.cookies.pop("csrftoken")
    client.get("/field/api/session")
    assert told(send(client, action("collected", order.pieces[0])))["level"] == "ok"


def test_methods_that_make_no_sense_are_refused():
    client, _ = worker("warehouse")
    problem(client.get("/field/api/actions"), 405, "method_not_allowed")
    problem(client.get("/field/api/files/" + str(uuid.uuid4())), 405, "method_not_allowed")
    problem(
        client.post("/field/api/me", headers={"X-CSRFToken": client.cookies["csrftoken"].value}),
        405,
        "method_not_allowed",
    )


@pytest.mark.parametrize("path", ["", "nothing", "files/not-a-number", "trips/1/2/3"])
def test_an_unknown_address_of_the_api_is_told_as_a_problem(path):
    client, _ = worker("warehouse")
    problem(client.get(f"/field/api/{path}"), 404, "not_found")
    problem(client.get(f"/field/api/{path}?x=%00"), 400, "bad_request")


def test_a_form_that_cannot_be_read_is_told_as_a_problem():
    client, _ = worker("warehouse")
    answer = client.post(
        "/field/api/actions", b"--x", content_type="multipart/form-data; boundary=" + "x" * 300
    )
    problem(answer, 400, "bad_request")


def test_a_database_that_is_away_and_a_mistake_of_ours_are_told_as_problems(monkeypatch):
    client, _ = worker("warehouse")
    client.raise_request_exception = False

    def broken(error):
        def view(**_named):
            raise error

        return view

    monkeypatch.setattr("zaitu.field.api.access.user_get", broken(OperationalError("gone")))
    away = client.get("/field/api/me")
    problem(away, 503, "unavailable")
    assert int(away["Retry-After"]) > 0
    monkeypatch.setattr("zaitu.field.api.access.user_get", broken(ZeroDivisionError("a mistake of ours")))
    problem(client.get("/field/api/me"), 500, "server_error")


# What the phone is told.


def test_who_i_am_says_station_rights_and_the_time_but_no_secret():
    journey_make.carrier()
    client, user = worker("warehouse")
    me = client.get("/field/api/me").json()
    assert (me["id"], me["name"], me["roles"], me["prefix"]) == (user.pk, "赵仓管", ["仓库"], "ZT")
    assert me["station"] == {"code": "SHQP", "name": "上海青浦仓"}
    assert "scan.warehouse" in me["rights"]
    assert "password" not in str(me)


def test_who_works_at_one_station_is_offered_no_other():
    journey_make.carrier()
    client, _ = worker("warehouse")
    assert client.get("/field/api/me").json()["own_stations"] == ["SHQP"]
    assert [row["code"] for row in client.get("/field/api/stations?text=武汉").json()["stations"]] == ["SHQP"]
    driver, _ = worker("driver")
    assert driver.get("/field/api/me").json()["own_stations"] == []
    assert [row["code"] for row in driver.get("/field/api/stations?text=武汉").json()["stations"]] == ["WHDX"]


def test_who_has_only_a_teams_station_begins_there():
    journey_make.carrier()
    client, _ = worker("warehouse", station="", team=Team.objects.create(name="晚班", station_code="WHDX"))
    me = client.get("/field/api/me").json()
    assert (me["station"]["code"], me["own_stations"]) == ("WHDX", ["WHDX"])


def test_trips_that_pass_my_station_and_my_own_as_a_driver(order, trip):
    client, _ = worker("warehouse", station="WHDX")
    (row,) = client.get("/field/api/trips?station=WHDX").json()["trips"]
    assert (row["ref"], row["plate"], row["expected"], row["state_text"]) == (
        trip.ref,
        "沪A12345",
        3,
        "待发车",
    )
    assert client.get("/field/api/trips?station=XXXX").json()["trips"] == []


def test_a_driver_sees_the_trip_that_carries_his_name(order):
    client, user = worker("driver", station="")
    network_make.driver("D007", user_id=user.pk)
    trip = journey_make.trip(driver_code="D007")
    assert [row["ref"] for row in client.get("/field/api/trips").json()["trips"]] == [trip.ref]


def test_a_missed_trip_stays_in_reach_of_who_may_say_that_it_left_after_all(order, trip):
    client, _ = worker("warehouse")
    Trip.objects.update(state="missed", departs_at=clock.now() - timedelta(hours=20))
    (row,) = client.get("/field/api/trips?station=SHQP").json()["trips"]
    assert (row["ref"], row["state_text"]) == (trip.ref, "未发车")
    send(client, action("departed", trip.ref))
    assert Trip.objects.get().state == "running"


def test_a_sheet_counts_what_is_to_load_here(order, trip):
    client, _ = worker("warehouse")
    send(client, action("loaded", order.pieces[0], trip=trip.ref))
    sheet = client.get(f"/field/api/trips/{trip.ref}/sheet?station=SHQP").json()
    assert sheet["load"] == {"expected": 3, "scanned": 1, "short": 2, "over": 0}
    (row,) = sheet["rows"]
    assert (row["waybill"], row["task"], row["short"]) == (order.waybill, "load", 2)


def test_the_phone_hears_what_a_recheck_keeps_here_before_the_truck_leaves_and_after(order, trip):
    client, _user = worker("warehouse")
    send(client, action("collected", order.waybill))
    send(client, action("rechecked", order.waybill, data={"pieces": 2, "items": {"KN-1": 9, "KN-2": 2}}))
    path = f"/field/api/trips/{trip.ref}/sheet?station=SHQP"
    (row,) = client.get(path).json()["rows"]
    assert (row["waybill"], row["held"]) == (order.waybill, True)
    answer = told(send(client, action("departed", trip.ref, trip=trip.ref)))
    assert order.waybill in answer["message"]
    sheet = client.get(path).json()
    assert sheet["rows"] == []
    assert [one["waybill"] for one in sheet["behind"]] == [order.waybill]


def test_an_unknown_parcel_is_not_found(order):
    client, _ = worker("warehouse")
    answer = client.get("/field/api/shipments/ZT0000000000000")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_reading_trips_costs_the_same_however_many(order, django_assert_max_num_queries):
    client, _ = worker("warehouse")
    for number in range(5):
        network_make.vehicle(f"沪B1111{number}")
        journey_make.trip(plate=f"沪B1111{number}")
    with django_assert_max_num_queries(16):
        assert len(client.get("/field/api/trips?station=SHQP").json()["trips"]) == 5


def test_refusals_before_any_action_are_problem_documents(order):
    client, _ = worker("driver")
    refused = client.post(
        "/field/api/actions", action("loaded", order.waybill), content_type="application/json"
    )
    unknown = client.get("/field/api/nothing")
    wrong = client.get("/field/api/actions")
    assert [answer.status_code for answer in (refused, unknown, wrong)] == [403, 404, 405]
    assert {answer["Content-Type"] for answer in (refused, unknown, wrong)} == {"application/problem+json"}
    assert refused.json()["code"] == "csrf_failed"
