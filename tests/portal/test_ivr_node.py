"""`POST /ivr/v1/calls/{id}`: calls as a cloud call centre makes them, over real sockets and with the real rows."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.personal import readable
from tests.portal import make
from zaitu.access.public import key_issue
from zaitu.customers.events import ContactErased
from zaitu.hotline import public as hotline
from zaitu.hotline.models import Call
from zaitu.kernel.metrics import families
from zaitu.kernel.principal import Kind, Principal, Right, system
from zaitu.network.public import CompanyView, company_put

ACTOR = system("tests")
CONSIGNEE = "13812345678"


def key(*scopes: str, partner: str = "云呼叫中心", rate_per_min: int = 60_000) -> dict[str, str]:
    _view, raw = key_issue(
        actor=ACTOR,
        partner=partner,
        name="热线",
        scopes=frozenset(scopes or {"hotline"}),
        rate_per_min=rate_per_min,
    )
    return {"Authorization": f"Bearer {raw}"}


class Caller:
    """Somebody on the telephone, with a call centre between."""

    def __init__(self, web, headers, call_id="c1", caller=""):
        self.web, self.headers, self.call_id, self.caller = web, headers, call_id, caller

    def post(self, **body):
        return self.web.post(
            f"/ivr/v1/calls/{self.call_id}",
            json={"event": "input", "caller": self.caller} | body,
            headers=self.headers,
        )

    def __call__(self, keys="", **body):
        answer = self.post(digits=keys, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def caller(web):
    company_put(actor=ACTOR, company=CompanyView(name="顺驰物流"))
    headers = key()
    return lambda call_id="c1", phone="": Caller(web, headers, call_id, phone)


def test_a_call_from_greeting_to_details_and_what_is_kept_of_it(caller):
    one = make.shipment()
    say = caller()
    assert say(event="start")["say"].startswith("您好，欢迎致电顺驰物流。请输入十三位运单号，按井号键结束。")
    told = say(f"{one.waybill[2:]}#")
    assert "在途，已过武汉" in told["say"]
    assert told["then"] == "listen"
    assert say("2")["say"].startswith("请输入收货人或发货人手机号的后四位")
    opened = say("5678")
    assert "收货人姓王" in opened["say"]
    assert readable(opened["say"], "王小明", "城厢镇", CONSIGNEE) == []
    assert say("0")["then"] == "person"
    call = Call.objects.get()
    assert (call.waybill, call.verified, call.asked, call.outcome, call.why) == (
        one.waybill,
        "tail",
        ["status", "details", "person"],
        "person",
        "asked",
    )
    assert None not in (call.answered_at, call.handed_at, call.ended_at)


def test_the_calling_number_of_a_party_offers_its_running_shipments_and_opens_them(caller):
    one = make.shipment()
    _name_people(one)
    say = caller(phone="+86 138-1234-5678")
    hello = say(event="start")
    assert "您有一票货物正在途中。从上海到成都，尾号" in hello["say"]
    assert say("1")["verified"] == "caller"
    assert "收货人姓王" in say("2")["say"]
    call = Call.objects.get()
    assert (call.caller, call.role, call.person) == (
        CONSIGNEE,
        "consignee",
        f"contact:{one.row.consignee_contact}",
    )


def _name_people(one):
    from zaitu.journey.selectors.people import people_of

    one.row.people = people_of([("王小明", CONSIGNEE), ("李发货", "13900004321")], [])
    one.row.save(update_fields=["people"])


def test_a_number_that_only_ends_like_a_partys_opens_nothing(caller):
    one = make.shipment()
    _name_people(one)
    say = caller(phone="15912345678")
    assert "正在途中" not in say(event="start")["say"]
    assert say(f"{one.waybill[2:]}#")["verified"] == ""


def test_any_process_goes_on_with_a_call_and_a_repeated_turn_is_the_same_answer(caller):
    one = make.shipment()
    say = caller()
    say(event="start", turn=1)
    first = say("99#", turn=2)
    assert say("99#", turn=2) == first
    assert say("5555555555555#", turn=2) == first, "the turn is answered already"
    assert say("98#", turn=3)["then"] == "listen"
    assert say(f"{one.waybill[2:]}#", turn=4)["waybill"] == one.waybill
    assert say.post(digits="1", turn=2).status_code == 409


def test_five_wrong_tails_of_a_number_close_it_for_the_page_and_the_telephone_together(caller, web):
    one = make.shipment()
    for tail in ("1111", "2222", "3333"):
        web.get(f"/api/v1/track/{one.waybill}", params={"phone_tail": tail})
    say = caller()
    say(event="start")
    say(f"{one.waybill[2:]}#")
    say("2")
    say("4444")
    assert "不符" in say("6666")["say"]
    ended = say("5678")
    assert (ended["then"], ended["why"]) == ("person", "limit"), "even the right tail has to wait"
    assert web.get(f"/api/v1/track/{one.waybill}", params={"phone_tail": "5678"}).status_code == 429


def test_a_right_tail_does_not_use_up_a_try(caller):
    one = make.shipment()
    for number in range(7):
        say = caller(f"call-{number}")
        say(event="start")
        say(f"{one.waybill[2:]}#")
        say("2")
        assert say("5678")["verified"] == "tail"


def test_a_caller_who_misses_too_often_is_handed_over_whatever_they_key(caller):
    from zaitu.portal.misses import MISSES, misses

    one = make.shipment()
    say = caller(phone="13700000001")
    say(event="start")
    from zaitu.portal.ivr.world import CallWorld

    world = CallWorld(caller="13700000001", call=0)
    misses.count(world._address, times=MISSES + 1)
    ended = say(f"{one.waybill[2:]}#")
    assert (ended["then"], ended["why"]) == ("person", "limit")
    other = caller("c2", "13700000002")
    other(event="start")
    assert other(f"{one.waybill[2:]}#")["waybill"] == one.waybill


def test_the_link_goes_to_the_calling_number_and_opens_what_the_caller_may_see(caller, web, settings):
    from zaitu.notify.models import Message

    settings.ZAITU_SMS_PROVIDER = "aliyun"
    one = make.shipment()
    say = caller(phone="13700000001")
    say(event="start")
    assert "发到本机请按四" in say(f"{one.waybill[2:]}#")["say"]
    say("4")
    message = Message.objects.get()
    assert (message.purpose, message.channel, message.address) == ("link", "sms", "13700000001")
    assert message.ways == "", "nobody is rung up because of it"
    assert "?k=" not in message.words
    say("2")
    say("5678")
    say("4")
    assert Message.objects.count() == 1
    party = caller("c2", CONSIGNEE)
    party(event="start")
    party(f"{one.waybill[2:]}#")
    party("4")
    assert message.person == f"call:{Call.objects.get(call_id='c1').pk}"
    second = Message.objects.exclude(pk=message.pk).get()
    assert second.person == f"contact:{one.row.consignee_contact}", (
        "an erased person's message is blanked too"
    )
    words = second.words
    token = re.search(r"\?k=([^\"]+)", words)[1]
    assert "details" in web.get(f"/api/v1/track/{one.waybill}", params={"k": token}).json()


def test_without_sms_or_with_a_landline_no_link_is_offered(caller, settings):
    one = make.shipment()
    say = caller(phone="13700000001")
    say(event="start")
    assert "发到本机" not in say(f"{one.waybill[2:]}#")["say"]
    settings.ZAITU_SMS_PROVIDER = "aliyun"
    landline = caller("c2", "02161234567")
    landline(event="start")
    assert "发到本机" not in landline(f"{one.waybill[2:]}#")["say"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer nonsense"}, 401)],
)
def test_without_a_key_nobody_is_answered(web, headers, status):
    answer = web.post("/ivr/v1/calls/c1", json={"event": "start"}, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_carriers_key_answers_no_calls_and_a_call_centres_tells_no_events(web):
    assert (
        web.post("/ivr/v1/calls/c1", json={"event": "start"}, headers=key("partner_events")).status_code
        == 403
    )
    event = {"id": "1", "number": "ZT0000000000000", "code": "departed", "at": "2026-11-27T08:00:00+08:00"}
    body = {"events": [event | {"codes": "zaitu"}]}
    assert web.post("/api/v1/partner/events", json=body, headers=key()).status_code == 403
    assert Call.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"event": "dance"},
        {},
        {"event": "input", "digits": "1" * 65},
        {"event": "input", "turn": 0},
        {"event": "input", "speech": []},
    ],
)
def test_what_cannot_be_understood_is_said_to_the_call_centre(web, body):
    answer = web.post("/ivr/v1/calls/c1", json=body, headers=key())
    assert answer.status_code == 422
    assert answer.json()["fields"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe"])
def test_a_body_that_is_no_json_object_breaks_nothing(web, content):
    answer = web.post(
        "/ivr/v1/calls/c1", content=content, headers=key() | {"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("junk", ["\x00", "一二三", "<script>", "9" * 64, "*#*#*#", "٣٤"])
def test_junk_on_the_keys_is_a_turn_like_any_other(caller, junk):
    say = caller()
    say(event="start")
    assert say(junk)["then"] == "listen"
    assert say(speech=junk)["then"] == "listen"


def test_a_hang_up_ends_the_call_once_and_for_all(caller):
    one = make.shipment()
    say = caller()
    say(event="start")
    say(f"{one.waybill[2:]}#")
    assert say(event="hangup")["then"] == "hang_up"
    assert say(event="hangup")["then"] == "hang_up"
    assert Call.objects.get().outcome == "served"
    nothing = caller("c2")
    nothing(event="start")
    nothing(event="hangup")
    assert Call.objects.get(call_id="c2").outcome == "left"


def test_two_call_centres_may_number_their_calls_alike(web):
    first, second = Caller(web, key(partner="甲")), Caller(web, key(partner="乙"))
    first(event="start")
    second(event="start")
    assert Call.objects.count() == 2


def test_no_number_of_a_caller_is_in_a_log_or_a_plain_column(caller, caplog):
    from django.db import connection

    one = make.shipment()
    _name_people(one)
    say = caller(phone=CONSIGNEE)
    for keys in ("", "1", "2", "3", "123#", "0"):
        say(keys)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM hotline_call AS c")
        row = cursor.fetchone()[0]
    assert readable(row, CONSIGNEE, "5678", "姓王", "王小明") == []
    assert readable(caplog.text, CONSIGNEE, "5678", "姓王", "王小明") == []


def test_two_hundred_calls_at_once_are_each_answered(caller):
    one = make.shipment()

    def ring(number):
        say = caller(f"call-{number}", f"137{number:08}")
        say(event="start", turn=1)
        said = say(f"{one.waybill[2:]}#", turn=2)
        return said["waybill"] == one.waybill and say(speech="再见", turn=3)["then"] == "hang_up"

    began = time.monotonic()
    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(ring, range(200)))
    assert Call.objects.filter(outcome="served").count() == 200
    assert time.monotonic() - began < 120


def test_one_call_asked_by_many_at_once_is_one_call(caller):
    say = caller()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _n: say(event="start", turn=1), range(8)))
    assert all(one == answers[0] for one in answers)
    assert Call.objects.count() == 1


def test_questions_are_counted_by_what_became_of_them(caller):
    def counted(outcome):
        samples = families()["zaitu_questions"].samples
        return sum(
            one.value
            for one in samples
            if one.name.endswith("_total") and one.labels == {"channel": "hotline", "outcome": outcome}
        )

    one = make.shipment()
    before = {outcome: counted(outcome) for outcome in ("answered", "unknown", "person")}
    say = caller()
    for keys in ("", "1111111111111#", f"{one.waybill[2:]}#", "1", "0"):
        say(keys)
    assert {outcome: counted(outcome) - before[outcome] for outcome in before} == {
        "answered": 1,
        "unknown": 1,
        "person": 1,
    }


# The record


def staff(*rights: Right) -> Principal:
    return Principal(kind=Kind.STAFF, name="kefu", rights=frozenset(rights))


def test_staff_see_who_waits_and_one_of_them_takes_the_call(caller):
    from zaitu.kernel.errors import Conflict, Forbidden

    one = make.shipment()
    say = caller(phone=CONSIGNEE)
    for keys in ("", f"{one.waybill[2:]}#", "2", "0"):
        say(keys)
    reader = staff(Right.CALLS_READ)
    (waiting,) = hotline.calls_waiting(actor=reader)
    assert (waiting.caller, waiting.role, waiting.waybill) == ("138********", "收货人", one.waybill)
    assert (waiting.verified_text, waiting.asked, waiting.why) == (
        "来电号码",
        ("状态", "签收和位置详情", "人工客服"),
        "要求人工",
    )
    hotline.call_take(actor=reader, call=waiting.id)
    assert hotline.calls_waiting(actor=reader) == []
    colleague = Principal(kind=Kind.STAFF, name="other", rights=frozenset({Right.CALLS_READ}))
    with pytest.raises(Conflict):
        hotline.call_take(actor=colleague, call=waiting.id)
    with pytest.raises(Forbidden):
        hotline.calls_list(actor=staff(Right.SHIPMENTS_READ), query=hotline.CallQuery())


def test_an_erased_persons_number_is_blanked_and_what_was_asked_stays(caller):
    one = make.shipment()
    say = caller(phone=CONSIGNEE)
    for keys in ("", f"{one.waybill[2:]}#"):
        say(keys)
    for _again in range(2):
        hotline.on_contact_erased(ContactErased(contact_id=one.row.consignee_contact))
    call = Call.objects.get()
    assert (call.caller, call.reply, call.waybill) == ("", "", one.waybill)


def test_old_calls_lose_their_number_and_older_ones_go(caller, settings):
    import time_machine

    say = caller(phone=CONSIGNEE)
    say(event="start")
    actor = system("tests")
    with time_machine.travel("2099-01-01", tick=True):
        assert hotline.calls_trim(actor=actor) == (0, 1)
    settings.ZAITU_CALL_BLANK_DAYS = 1
    from datetime import timedelta

    from zaitu.kernel import clock

    caller("c2", CONSIGNEE)(event="start")
    Call.objects.update(begun_at=clock.now() - timedelta(days=2))
    assert hotline.calls_trim(actor=actor) == (1, 0)
    assert Call.objects.get().caller == ""
    assert hotline.calls_trim(actor=actor) == (0, 0)


def test_a_call_that_nobody_ends_is_over_by_itself(caller):
    from datetime import timedelta

    from zaitu.kernel import clock

    caller()(event="start")
    assert hotline.calls_close(actor=ACTOR) == 0
    Call.objects.update(heard_at=clock.now() - timedelta(minutes=11))
    assert hotline.calls_close(actor=ACTOR) == 1
    assert Call.objects.get().outcome == "left"


def test_the_openapi_document_is_valid_and_describes_the_answer(web):
    from openapi_spec_validator import validate

    document = web.get("/ivr/v1/openapi.json").json()
    validate(document)
    assert set(document["paths"]) == {"/ivr/v1/calls/{call_id}"}
    english = web.get("/ivr/v1/openapi.json", headers={"Accept-Language": "en"}).text
    assert re.findall(r"[\u4e00-\u9fff]", english.replace("在途", "")) == []
