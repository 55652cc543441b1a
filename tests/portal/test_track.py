"""`GET /api/v1/track/{waybill}`: what strangers, parties and customers' systems see, over a real socket."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest

from tests.personal import readable
from tests.portal import make
from zaitu.access.public import key_issue, link_issue, link_revoke, links_of
from zaitu.journey.models import Trip
from zaitu.kernel import clock
from zaitu.kernel.geo import distance_m
from zaitu.kernel.waybills import waybill_make
from zaitu.portal import hot
from zaitu.telemetry.models import NEVER

SHAPE = {
    "waybill", "status", "status_text", "detail", "eta", "eta_from", "eta_to", "position", "nodes", "exception"
}  # fmt: skip


def key_for(customer_code: str, *scopes: str) -> dict[str, str]:
    make.customer(customer_code)
    _view, raw = key_issue(
        actor=make.ACTOR, customer_code=customer_code, name="ERP", scopes=frozenset(scopes or {"track"})
    )
    return {"Authorization": f"Bearer {raw}"}


def test_a_stranger_gets_the_promised_shape_and_no_person(web):
    one = make.shipment(car=make.vehicle())
    answer = web.get(f"/api/v1/track/{one.waybill}")
    assert answer.status_code == 200
    assert set(answer.json()) == SHAPE
    assert readable(answer.text, "王小明", "李发货", "5678", "4321", "城厢镇", "carrier") == []


def test_a_number_is_understood_as_people_type_it(web):
    one = make.shipment()
    typed = f"{one.waybill[:2].lower()} {one.waybill[2:6]}-{one.waybill[6:]}"
    assert web.get(f"/api/v1/track/{typed}").json()["waybill"] == one.waybill


def test_the_number_on_a_piece_label_is_its_waybills(web):
    one = make.shipment()
    assert web.get(f"/api/v1/track/{one.waybill}-001").json()["waybill"] == one.waybill
    opened = web.get(f"/api/v1/track/{one.waybill}-002?phone_tail=5678").json()
    assert "details" in opened


def test_a_stranger_sees_a_whole_kilometre_and_a_party_the_fix(web):
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 30.5801, 114.2712, trip=one.trip, along_m=655_321.0)
    coarse = web.get(f"/api/v1/track/{one.waybill}").json()["position"]
    exact = web.get(f"/api/v1/track/{one.waybill}?phone_tail=5678").json()["position"]
    assert (exact["lat"], exact["lon"]) == (30.5801, 114.2712)
    assert exact["precision_m"] < 100
    assert coarse["precision_m"] == 1000
    assert 0 < distance_m(coarse["lat"], coarse["lon"], exact["lat"], exact["lon"]) <= 1000
    assert datetime.fromisoformat(coarse["at"]).utcoffset() == timedelta(hours=8)


def test_a_strangers_position_stands_still_for_a_minute(web):
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 30.58, 114.27, trip=one.trip, along_m=655_000.0)
    first = web.get(f"/api/v1/track/{one.waybill}").json()["position"]
    make.fix(car, 30.60, 113.90, trip=one.trip, along_m=690_000.0)
    make.changed(one, status_at=clock.now())
    time.sleep(0.3)
    assert web.get(f"/api/v1/track/{one.waybill}").json()["position"] == first
    assert web.get(f"/api/v1/track/{one.waybill}?phone_tail=5678").json()["position"]["lon"] == 113.90


def test_a_fix_from_before_the_trip_is_not_this_shipments_place(web):
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 23.1, 113.2, at=clock.now() - timedelta(days=2))
    assert web.get(f"/api/v1/track/{one.waybill}").json()["position"] is None


def test_a_truck_that_is_only_watched_has_no_place(web):
    """It was never heard of, and goods were scanned into it: nobody is shown the middle of the ocean."""
    watched, heard = make.vehicle(), make.vehicle("沪A54321")
    lost, seen = make.shipment(car=watched), make.shipment(car=heard)
    Trip.objects.update(started_at=None)
    make.fix(watched, 0.0, 0.0, at=NEVER)
    make.fix(heard, 30.5, 114.3)
    for asked in ("", "?phone_tail=5678"):
        assert web.get(f"/api/v1/track/{seen.waybill}{asked}").json()["position"] is not None
        assert web.get(f"/api/v1/track/{lost.waybill}{asked}").json()["position"] is None


def test_after_the_journey_the_truck_is_nobodys_business(web):
    from tests.journey import facts

    car = make.vehicle()
    signed = facts.signed()
    one = make.shipment(
        car=car, status=signed.status, detail=signed.detail, final=True, signed_at=signed.signed_at
    )
    make.fix(car, 30.58, 114.27, trip=one.trip)
    assert web.get(f"/api/v1/track/{one.waybill}").json()["position"] is None
    assert web.get(f"/api/v1/track/{one.waybill}?phone_tail=5678").json()["position"] is None


@pytest.mark.parametrize("tail", ["5678", "4321"])
def test_either_partys_tail_opens_the_details_with_masked_contacts(web, tail):
    one = make.shipment()
    answer = web.get(f"/api/v1/track/{one.waybill}?phone_tail={tail}")
    assert answer.headers["cache-control"] == "private, no-store"
    assert set(answer.json()) == SHAPE | {"details"}
    contacts = answer.json()["details"]["contacts"]
    assert [contact["role"] for contact in contacts] == ["发货人", "收货人"]
    assert contacts[1]["name"] == "王**"
    assert contacts[1]["phone"] == "138********"
    assert "城厢镇" not in answer.text


def whole(answer: httpx.Response) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
    headers = tuple(sorted((name, value) for name, value in answer.headers.items() if name != "date"))
    return answer.status_code, answer.content, headers


def test_all_that_is_not_yours_gets_the_identical_404(web):
    one = make.shipment(customer_code="C001")
    unknown = waybill_make("ZT")
    mistyped = one.waybill[:-1] + str((int(one.waybill[-1]) + 1) % 10)
    stranger = key_for("C002")
    dead = link_issue(actor=make.ACTOR, waybill=one.waybill)
    link_revoke(actor=make.ACTOR, link_id=links_of(actor=make.ACTOR, waybill=one.waybill)[0].id)
    other = link_issue(actor=make.ACTOR, waybill=unknown)
    answers = [
        web.get(f"/api/v1/track/{unknown}"),
        web.get(f"/api/v1/track/{mistyped}"),
        web.get("/api/v1/track/hello"),
        web.get("/api/v1/track/%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        web.get(f"/api/v1/track/{one.waybill}?phone_tail=0000"),
        web.get(f"/api/v1/track/{one.waybill}?phone_tail=56789"),
        web.get(f"/api/v1/track/{unknown}?phone_tail=5678"),
        web.get(f"/api/v1/track/{mistyped}?phone_tail=5678"),
        web.get(f"/api/v1/track/{one.waybill}", headers=stranger),
        web.get(f"/api/v1/track/{unknown}", headers=stranger),
        web.get(f"/api/v1/track/{one.waybill}?k={dead}"),
        web.get(f"/api/v1/track/{one.waybill}?k={other}"),
        web.get(f"/api/v1/track/{one.waybill}/live?phone_tail=0001"),
    ]
    assert {whole(answer) for answer in answers} == {whole(answers[0])}
    assert answers[0].status_code == 404
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].json()["code"] == "not_found"


@pytest.mark.parametrize("known", ["known", "unknown", "mistyped"])
def test_five_wrong_tails_in_a_quarter_of_an_hour_and_then_429(web, known):
    one = make.shipment()
    number = {"known": one.waybill, "unknown": waybill_make("ZT"), "mistyped": "ZT1234567890"}[known]
    statuses = [web.get(f"/api/v1/track/{number}?phone_tail=000{n}").status_code for n in range(5)]
    assert statuses == [404] * 5
    for tail in ("5678", "0009"):
        sixth = web.get(f"/api/v1/track/{number}?phone_tail={tail}")
        assert sixth.status_code == 429
        assert 0 < int(sixth.headers["retry-after"]) <= 900
    without = web.get(f"/api/v1/track/{number}")
    assert without.status_code == (200 if known == "known" else 404), "only guessing is stopped"


def test_another_spelling_of_a_number_gives_no_further_tries(web):
    one = make.shipment()
    digits = one.waybill[2:]
    fullwidth = digits.translate({48 + n: 0xFF10 + n for n in range(10)})
    spellings = [
        digits,
        one.waybill.lower(),
        f"ZT-{digits}",
        f"ZT {digits[:4]}.{digits[4:]}",
        f"{one.waybill}-001",
    ]
    for n, spelling in enumerate(spellings):
        assert web.get(f"/api/v1/track/{spelling}?phone_tail=000{n}").status_code == 404
    for spelling in (one.waybill, f"ｚｔ{fullwidth}", f"ZT_{digits[:6]}_{digits[6:]}", f"{one.waybill}-002"):
        assert web.get(f"/api/v1/track/{spelling}?phone_tail=5678").status_code == 429


def test_right_tails_do_not_use_up_the_tries(web):
    one = make.shipment()
    for _ in range(7):
        assert web.get(f"/api/v1/track/{one.waybill}?phone_tail=5678").status_code == 200
    assert web.get(f"/api/v1/track/{one.waybill}?phone_tail=0000").status_code == 404


def test_many_guesses_at_once_are_still_five(web):
    one = make.shipment()
    with ThreadPoolExecutor(12) as threads:
        statuses = list(
            threads.map(
                lambda n: web.get(f"/api/v1/track/{one.waybill}?phone_tail=00{n:02}").status_code, range(24)
            )
        )
    assert statuses.count(404) == 5
    assert statuses.count(429) == 19


def test_wrong_tails_are_counted_over_all_web_processes(web):
    one = make.shipment()
    for n in range(3):
        web.get(f"/api/v1/track/{one.waybill}?phone_tail=000{n}")
    with make.server() as other:
        statuses = [
            httpx.get(f"{other}/api/v1/track/{one.waybill}?phone_tail=100{n}").status_code for n in range(3)
        ]
    assert statuses == [404, 404, 429]


def test_an_address_that_tries_numbers_is_stopped_and_a_known_number_tells_it_nothing(web):
    one = make.shipment()
    statuses = [web.get(f"/api/v1/track/{waybill_make('ZT')}").status_code for _ in range(125)]
    assert statuses[:120] == [404] * 120
    assert statuses[-1] == 429
    assert web.get(f"/api/v1/track/{one.waybill}").status_code == 429


def test_a_link_opens_its_shipment_until_it_is_revoked(web):
    one = make.shipment()
    token = link_issue(actor=make.ACTOR, waybill=one.waybill)
    assert "details" in web.get(f"/api/v1/track/{one.waybill}?k={token}").json()
    link_revoke(actor=make.ACTOR, link_id=links_of(actor=make.ACTOR, waybill=one.waybill)[0].id)
    time.sleep(5.1)
    assert web.get(f"/api/v1/track/{one.waybill}?k={token}").status_code == 404


def test_the_owning_customers_key_opens_everything(web):
    one = make.shipment(customer_code="C001")
    assert "details" in web.get(f"/api/v1/track/{one.waybill}", headers=key_for("C001")).json()


def test_a_key_without_the_scope_is_refused_and_a_wrong_key_is_not_a_stranger(web):
    one = make.shipment(customer_code="C001")
    no_scope = web.get(f"/api/v1/track/{one.waybill}", headers=key_for("C001", "orders"))
    assert (no_scope.status_code, no_scope.json()["code"]) == (403, "forbidden")
    wrong = web.get(f"/api/v1/track/{one.waybill}", headers={"Authorization": "Bearer zk_nonsense"})
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")


def test_a_retail_shipment_without_a_customer_is_no_keys_own(web):
    one = make.shipment(customer_code="")
    assert web.get(f"/api/v1/track/{one.waybill}", headers=key_for("C001")).status_code == 404


def test_a_change_is_seen_at_once_although_answers_are_kept(web):
    one = make.shipment()
    assert web.get(f"/api/v1/track/{one.waybill}").json()["status"] == "in_transit"
    from tests.journey import facts

    signed = facts.signed()
    make.changed(one, status=signed.status, detail=signed.detail, final=True)
    deadline = time.monotonic() + 1.0
    while web.get(f"/api/v1/track/{one.waybill}").json()["status"] != "signed":
        assert time.monotonic() < deadline, "the notification did not empty the cache within a second"
        time.sleep(0.02)


def test_an_unchanged_answer_is_not_sent_twice(web):
    one = make.shipment()
    first = web.get(f"/api/v1/track/{one.waybill}")
    again = web.get(f"/api/v1/track/{one.waybill}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    whatever = web.get(f"/api/v1/track/{one.waybill}", headers={"If-None-Match": "*"})
    assert (whatever.status_code, whatever.content) == (304, b"")


def test_only_reading_is_possible(web):
    one = make.shipment()
    answer = web.post(f"/api/v1/track/{one.waybill}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/track/ZT1", "/api/v1/track/ZT1/live"])
def test_an_address_of_too_many_fields_is_refused(web, path):
    answer = web.get(path + "?" + "&".join(f"a{n}=1" for n in range(30)))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_request"


def test_english_is_an_option(web):
    one = make.shipment()
    assert web.get(f"/api/v1/track/{one.waybill}?lang=en").json()["status_text"] == "In transit"


# The stream


def events(lines, count):
    """The next `count` events of a stream as (name, data)."""
    found, name = [], ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((name, json.loads(line.removeprefix("data: "))))
            if len(found) == count:
                return found
    return found


def test_the_stream_starts_with_the_answer_and_tells_changes(web):
    one = make.shipment()
    with web.stream("GET", f"/api/v1/track/{one.waybill}/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        first = events(lines, 2)
        assert [name for name, _ in first] == ["track", "position"]
        assert set(first[0][1]) == SHAPE
        from tests.journey import facts

        signed = facts.signed()
        make.changed(one, status=signed.status, detail=signed.detail, final=True)
        assert events(lines, 1)[0][1]["status"] == "signed"


def test_the_stream_of_a_party_follows_every_fix_and_a_strangers_does_not(web, bus):
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 30.58, 114.27, trip=one.trip, along_m=655_000.0)
    with (
        web.stream("GET", f"/api/v1/track/{one.waybill}/live?phone_tail=5678") as party,
        web.stream("GET", f"/api/v1/track/{one.waybill}/live") as stranger,
    ):
        exact, coarse = party.iter_lines(), stranger.iter_lines()
        events(exact, 2)
        before = events(coarse, 2)[1][1]
        bus(one.vehicle_id, 30.59, 114.11, trip=one.trip, along_m=671_000.0)
        told = events(exact, 1)[0]
        assert told[0] == "position"
        assert (told[1]["lat"], told[1]["lon"]) == (30.59, 114.11)
        make.changed(one, status_at=clock.now())
        after = events(coarse, 2)[1][1]
        assert after == before


def test_a_quiet_stream_says_that_it_is_there_while_the_truck_reports(web, bus, monkeypatch):
    monkeypatch.setattr(hot, "PING_S", 1.0)
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 30.58, 114.27, trip=one.trip, along_m=655_000.0)
    with web.stream("GET", f"/api/v1/track/{one.waybill}/live") as stranger:
        lines = stranger.iter_lines()
        events(lines, 2)
        ended = threading.Event()

        def report() -> None:
            while not ended.wait(0.2):
                bus(one.vehicle_id, 30.581, 114.26, trip=one.trip, along_m=655_100.0)

        reporting = threading.Thread(target=report)
        reporting.start()
        began = time.monotonic()
        try:
            assert next(line for line in lines if line) == ": still here"
        finally:
            ended.set()
            reporting.join()
        assert time.monotonic() - began < 10


def test_the_stream_tells_times_as_the_answer_does(web):
    car = make.vehicle()
    one = make.shipment(car=car)
    make.fix(car, 30.58, 114.27, trip=one.trip, along_m=655_000.0)
    with web.stream("GET", f"/api/v1/track/{one.waybill}/live") as stream:
        track, position = (told for _, told in events(stream.iter_lines(), 2))
    assert position["at"].endswith("+08:00")
    assert position["at"] == track["position"]["at"]
