"""Asking, requesting, complaining and rating on the tracking page."""

import io
import re
from datetime import timedelta

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from PIL import Image

from tests.desk import make
from tests.journey import make as journey
from zaitu.access import public as access
from zaitu.desk import public as desk
from zaitu.desk.models import Attachment, Conversation, Entry, Rating, Ticket
from zaitu.kernel import clock
from zaitu.notify.models import Message
from zaitu.portal.misses import misses

pytestmark = pytest.mark.django_db
CONSIGNEE, CONSIGNOR = "5678", "1111"


@pytest.fixture(autouse=True)
def _fresh(settings, tmp_path):
    misses.blocked.clear()
    settings.MEDIA_ROOT = str(tmp_path)


def opened(waybill, tail=CONSIGNEE, **options) -> Client:
    client = Client(**options)
    assert client.post(f"/t/{waybill}/unlock", {"phone_tail": tail}).status_code == 303
    return client


def by_link(waybill) -> Client:
    client = Client()
    token = access.link_issue(actor=make.TEST, waybill=waybill)
    assert client.get(f"/t/{waybill}?k={token}").status_code == 302 or client.cookies
    return client


def ask(client, waybill, text="货到哪里了？", kind="question", **more):
    return client.post(f"/t/{waybill}/talk", {"kind": kind, "text": text, **more})


def page(client, waybill, query=""):
    return client.get(f"/t/{waybill}{query}").content.decode()


def thread(client, waybill):
    found = client.get(f"/t/{waybill}?part=talk")
    return found.content.decode() if 'id="talk-thread"' in found.content.decode()[:300] else ""


def test_a_stranger_sees_only_the_field_for_four_digits_and_nothing_is_taken_from_them():
    waybill, stranger = make.shipment(), Client()
    text = page(stranger, waybill)
    assert "手机号后四位" in text
    assert 'id="ask-question"' not in text
    assert not thread(stranger, waybill)
    for path, form in (("talk", {"kind": "question", "text": "x"}), ("rate", {"stars": "1"})):
        refused = stranger.post(f"/t/{waybill}/{path}", form)
        assert refused.status_code == 403
        assert "请先输入手机号后四位" in refused.content.decode()
    assert not Conversation.objects.exists()
    assert not Rating.objects.exists()


def test_a_question_is_in_the_page_with_its_answer():
    waybill = make.shipment()
    client = opened(waybill)
    sent = ask(client, waybill)
    assert (sent.status_code, sent["Location"]) == (303, f"/t/{waybill}?said=question#talk")
    text = page(client, waybill, "?said=question")
    assert "1 小时内回复" in text
    assert "货到哪里了？" in text
    make.answer(Conversation.objects.get().pk, "今天下午送到。")
    assert "今天下午送到。" in thread(client, waybill)
    assert "已回复" in thread(client, waybill)
    assert "今天下午送到。" not in page(Client(), waybill)


def test_the_consignors_page_does_not_show_what_the_consignee_says():
    waybill = make.shipment()
    ask(opened(waybill), waybill, "我家没人")
    other = opened(waybill, CONSIGNOR)
    assert "我家没人" not in page(other, waybill)
    ask(other, waybill, "发票呢")
    assert set(Conversation.objects.values_list("role", flat=True)) == {"consignee", "consignor"}
    assert "发票呢" not in page(opened(waybill), waybill)


def test_a_link_asks_who_one_is_and_only_this_browser_sees_what_was_said():
    waybill = make.shipment()
    client = by_link(waybill)
    assert 'name="role"' in page(client, waybill)
    refused = ask(client, waybill, "我家没人")
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "请选择您是收货人还是发货人" in text
    assert "我家没人" in text, "what was typed stays"
    assert ask(client, waybill, "我家没人", role="consignee").status_code == 303
    assert "我家没人" in page(client, waybill)
    assert "我家没人" not in page(by_link(waybill), waybill)
    assert 'name="role"' not in page(opened(waybill), waybill), "a tail has shown it"


def test_a_revoked_link_shows_and_takes_nothing():
    waybill = make.shipment()
    client = by_link(waybill)
    ask(client, waybill, role="consignee")
    for link in access.links_of(actor=make.TEST, waybill=waybill):
        access.link_revoke(actor=make.TEST, link_id=link.id)
    assert not thread(client, waybill)
    assert ask(client, waybill, "noch da?", role="consignee").status_code == 403
    assert Entry.objects.count() == 1


def test_another_shipments_link_and_cookies_open_nothing_here():
    waybill = make.shipment()
    other = journey.order(consignee=journey.party(name="张三", phone="13700002222")).waybill
    client = opened(other, "2222")
    for name in ("zaitu_", "zaitu_talk_"):
        if f"{name}{other}" in client.cookies:
            client.cookies[f"{name}{waybill}"] = client.cookies[f"{name}{other}"].value
    assert ask(client, waybill).status_code == 403
    mine = opened(waybill)
    ask(mine, waybill, "秘密")
    client.cookies[f"zaitu_talk_{other}"] = mine.cookies[f"zaitu_talk_{waybill}"].value
    assert "秘密" not in page(client, other)


def test_the_address_in_the_answer_opens_the_thread_on_another_phone():
    waybill = make.shipment()
    ask(by_link(waybill), waybill, "我家没人", role="consignee")
    make.answer(Conversation.objects.get().pk, "改明天送。")
    link = re.search(r'"link": "[a-z]+://[^/]+([^"]+)"', Message.objects.get(purpose="reply").words)[1]
    phone = Client()
    assert phone.get(link).status_code == 303
    assert "改明天送。" in page(phone, waybill)
    assert 'name="role"' not in page(phone, waybill)
    assert ask(phone, waybill, "谢谢", kind="").status_code == 303
    assert Conversation.objects.count() == 1
    altered = Client()
    altered.get(f"{link[:-3]}000")
    assert "改明天送。" not in page(altered, waybill)


@pytest.mark.parametrize(
    ("change", "fields", "wrong"),
    [
        ("time", {"time-day": "2020-01-01", "time-slot": "any"}, "请选择 30 天内的日期"),
        ("address", {"address-address": "x"}, "请填写新地址"),
        ("receiver", {"receiver-name": "李", "receiver-phone": "12"}, "请填写正确的手机号"),
        ("contactless", {}, "请填写放置位置"),
        ("pickup", {"pickup-day": "x"}, "请选择 30 天内的日期"),
        ("", {}, "请选择要改什么"),
    ],
)
def test_a_request_without_what_it_needs_says_so_at_its_field(change, fields, wrong):
    waybill = make.shipment()
    refused = ask(opened(waybill), waybill, "", "request", change=change, **fields)
    assert refused.status_code == 422
    assert wrong in refused.content.decode()
    assert not Ticket.objects.exists()


def test_a_request_is_shown_by_its_fields_and_the_order_stays_as_it_was():
    waybill = make.shipment()
    client = opened(waybill)
    before = journey.page(waybill)
    day = (clock.local(clock.now()) + timedelta(days=1)).date().isoformat()
    form = {"change": "time", "time-day": day, "time-slot": "afternoon", "pickup-day": "x"}
    assert ask(client, waybill, "尽量晚", "request", **form).status_code == 303
    text = thread(client, waybill)
    assert "改送达时间" in text
    assert "下午" in text
    assert "明天" in text
    assert "尽量晚" in text
    assert journey.page(waybill) == before
    assert "确认前按原计划送" in page(client, waybill, "?said=request")


def test_hostile_words_are_text_on_the_page_and_in_its_forms():
    waybill = make.shipment()
    client = opened(waybill)
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
    ask(client, waybill, hostile)
    make.answer(Conversation.objects.get().pk, hostile)
    refused = ask(client, waybill, hostile, "request", change="address", **{"address-address": hostile * 9})
    for text in (page(client, waybill), thread(client, waybill), refused.content.decode()):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert" in text
    assert "alert" not in page(client, waybill, "?said=<script>alert(9)</script>").replace("alert(1)", "").replace("alert(2)", "").replace('role="alert"', "")  # fmt: skip


def test_without_the_token_nothing_is_taken():
    waybill = make.shipment()
    client = opened_with_csrf(waybill)
    assert ask(client, waybill).status_code == 403
    assert client.post(f"/t/{waybill}/rate", {"stars": "5"}).status_code == 403
    assert not Conversation.objects.exists()


def opened_with_csrf(waybill):
    kept = opened(waybill)
    client = Client(enforce_csrf_checks=True)
    client.cookies = kept.cookies
    return client


def test_unknown_numbers_answer_as_on_the_page_and_are_counted():
    client = Client()
    for path in ("talk", "rate"):
        known = client.post(f"/t/ZT0000000000000/{path}", {"kind": "question", "text": "x"})
        assert known.status_code == 404
    for _ in range(130):
        if client.post("/t/ZT0000000000000/talk", {"text": "x"}).status_code == 429:
            break
    else:
        raise AssertionError("nobody was refused")


def test_one_address_is_not_listened_to_for_ever():
    waybill = make.shipment()
    client = opened(waybill)
    for number in range(20):
        assert ask(client, waybill, f"第 {number} 次").status_code == 303
    refused = ask(client, waybill, "还有")
    assert refused.status_code == 429
    assert "发得太多了" in refused.content.decode()
    other = journey.order().waybill
    second = opened(other)
    statuses = [ask(second, other, f"第 {number} 次").status_code for number in range(12)]
    assert statuses == [303] * 9 + [429] * 3


def jpeg(width=300):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Geheimphone"
    Image.new("RGB", (width, 200), "red").save(out, "JPEG", exif=exif)
    return SimpleUploadedFile("a.jpg", out.getvalue(), "image/jpeg")


def test_photos_come_back_clean_and_only_to_who_takes_part():
    waybill = make.shipment()
    client = opened(waybill)
    assert ask(client, waybill, "破了", "complaint", photos=[jpeg(), jpeg(400)]).status_code == 303
    addresses = re.findall(rf'href="(/t/{waybill}/talk/[^"]+)"', page(client, waybill))
    assert len(addresses) == 2
    answer = client.get(addresses[0])
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"Geheimphone" not in answer.content
    assert Client().get(addresses[0]).status_code == 404
    assert client.get(f"{addresses[0][:-2]}xx").status_code == 404


@pytest.mark.parametrize("files", [[b"<svg onload=alert(1)>"], [b""], None])
def test_what_is_no_photo_is_said_and_nothing_is_kept(files):
    waybill = make.shipment()
    photos = (
        [jpeg() for _ in range(6)] if files is None else [SimpleUploadedFile("a.jpg", one) for one in files]
    )
    refused = ask(opened(waybill), waybill, "看", photos=photos)
    if files == [b""]:
        assert refused.status_code in (303, 422), "an empty file field is no photo"
        return
    assert refused.status_code == 422
    assert "最多 5 张照片" in refused.content.decode()
    assert not Attachment.objects.exists()
    assert not Conversation.objects.exists()


# Ratings


def test_stars_ask_the_question_of_their_band_and_a_rating_is_shown_and_changed():
    waybill = make.signed()
    client = opened(waybill)
    assert "这次运输您满意吗" in page(client, waybill)
    assert "哪里让您不满意" in page(client, waybill, "?stars=2")
    assert "哪里可以做得更好" in page(client, waybill, "?stars=3")
    good = page(client, waybill, "?stars=5")
    assert "哪些地方做得好" in good
    assert "准时送达" in good
    form = {"stars": "5", "reasons": ["on_time", "late"], "text": "谢谢师傅"}
    assert client.post(f"/t/{waybill}/rate", form).status_code == 303
    text = page(client, waybill)
    assert "谢谢师傅" in text
    assert "准时送达" in text
    assert "比预计的晚" not in text
    assert client.post(f"/t/{waybill}/rate", {"stars": "4"}).status_code == 303
    assert Rating.objects.get().stars == 4
    Rating.objects.update(created_at=clock.now() - timedelta(days=8))
    assert "?stars=" not in page(client, waybill)
    assert client.post(f"/t/{waybill}/rate", {"stars": "1"}).status_code == 409


def test_goods_on_the_way_are_not_rated():
    waybill = make.shipment()
    client = opened(waybill)
    assert 'id="rate"' not in page(client, waybill, "?stars=5")
    assert client.post(f"/t/{waybill}/rate", {"stars": "5"}).status_code == 409


@pytest.mark.parametrize("stars", ["0", "6", "", "五", "-1", "1e1"])
def test_other_stars_are_refused(stars):
    waybill = make.signed()
    assert opened(waybill).post(f"/t/{waybill}/rate", {"stars": stars}).status_code == 422
    assert not Rating.objects.exists()


# Languages, and what is told live


def test_the_page_speaks_english():
    waybill = make.signed()
    client = opened(waybill)
    form = {"change": "receiver", "receiver-name": "Li", "receiver-phone": "13800001234"}
    client.post(f"/t/{waybill}/talk?lang=en", {"kind": "request", "text": "please", **form})
    client.post(f"/t/{waybill}/rate?lang=en", {"stars": "5"})
    refused = client.post(
        f"/t/{waybill}/talk?lang=en", {"kind": "request", "change": "time", "time-day": "x"}
    )
    for text in (page(client, waybill, "?lang=en&stars=5&said=request"), refused.content.decode()):
        for part in ("talk", "rate"):
            section = text[text.index(f'id="{part}"') :]
            section = section[: section.index("</section>")]
            assert not re.search("[一-鿿]", re.sub('value="[^"]*"', "", section)), section


@pytest.mark.django_db(transaction=True)
def test_who_listens_is_told_that_something_was_said_and_strangers_are_not(web):
    waybill = make.shipment()
    party = httpx.Client(base_url=web.base_url, timeout=20)
    start = party.get(f"/t/{waybill}").text
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', start)[1]
    opened_ = party.post(f"/t/{waybill}/unlock", data={"phone_tail": CONSIGNEE, "csrfmiddlewaretoken": token})
    assert opened_.status_code == 303
    address = f"/api/v1/track/{waybill}/live"
    with party.stream("GET", address) as mine, web.stream("GET", address) as theirs:
        lines, others = mine.iter_lines(), theirs.iter_lines()
        for stream in (lines, others):
            assert "event: position" in stream
        relayed(f"desk:{waybill}")
        assert next(line for line in lines if line.startswith("event:")) == "event: talk"
        journey.scan("collected", waybill)
        relayed(f"shipment:{waybill}")
        assert next(line for line in others if line.startswith("event:")) == "event: track"


def relayed(subject):
    """As the outbox relay tells it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('zaitu_changed', %s)", [f'["{subject}"]'])


def test_both_with_the_same_four_digits_say_who_they_are():
    journey.carrier()
    party = journey.party(name="李发货", phone="13900005678", city="上海", email="")
    waybill = journey.order(consignor=party).waybill
    client = opened(waybill)
    assert 'name="role"' in page(client, waybill)
    assert ask(client, waybill).status_code == 422
    assert ask(client, waybill, role="consignor").status_code == 303
    assert desk.thread(
        actor=access.tail_principal(waybill), waybill=waybill, visitor=make.CONSIGNEE
    ).entries == ()  # fmt: skip
