"""The page on which a person says how they want to be told."""

import re
from datetime import time

import pytest

from tests.access import make as people
from tests.notify import make as notices
from zaitu.access.models import AuditEntry
from zaitu.kernel import signing
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.notify.adapters.addresses import preferences_address
from zaitu.notify.models import ClosedWay, PersonPreference
from zaitu.portal.misses import misses

pytestmark = pytest.mark.django_db
PERSON = "contact:1"
USUAL = {"topics": ["progress", "arrival"], "way": "usual", "digest": ""}


@pytest.fixture(autouse=True)
def _nobody_missed():
    misses.blocked.clear()


@pytest.fixture
def path(settings):
    settings.ZAITU_SMTP_URL, settings.ZAITU_SMS_PROVIDER = "smtp://127.0.0.1:1", "aliyun"
    person = notify.Recipient(person=PERSON, email="lihua@example.cn", phone="13800005678")
    notify.tell(actor=notices.SYSTEM, notice=notices.notice(to=(person,)))
    return preferences_address(PERSON).removeprefix(settings.ZAITU_PUBLIC_URL)


def kept():
    return notify.preference_of(actor=notices.SYSTEM, person=PERSON).preference


def test_it_shows_what_holds_now_and_how_one_can_be_told(client, path):
    page = client.get(path)
    assert page.status_code == 200
    text = page.content.decode()
    assert 'name="quiet" checked' in text
    assert 'value="22:00"' in text
    assert 'value="email"' in text
    assert 'value="sms"' in text
    assert 'value="wechat"' not in text, "we know no such address"
    assert "noindex" in text
    assert "no-store" in page["Cache-Control"]
    assert "lihua" not in text
    assert "5678" not in text


def test_who_can_be_told_in_one_way_only_has_nothing_to_choose(client, path):
    notify.tell(
        actor=notices.SYSTEM,
        notice=notices.notice(to=(notify.Recipient(person="contact:2", email="li@example.cn"),)),
    )
    other = preferences_address("contact:2").rpartition("/p/")[2]
    assert 'name="way"' not in client.get(f"/p/{other}").content.decode()


def test_what_is_chosen_is_kept_and_applies_to_the_next_message(client, path):
    form = {
        "topics": ["arrival"], "way": "chosen", "channels": ["email"], "quiet": "on", "quiet_from": "21:30",
        "quiet_until": "07:00", "digest": "18",
    }  # fmt: skip
    saved = client.post(path, form)
    assert (saved.status_code, saved["Location"]) == (303, f"{path}?saved=1")
    assert kept() == notify.Preference(
        channels=(notify.Channel.EMAIL,),
        quiet_from=time(21, 30),
        quiet_until=time(7),
        digests=(time(18),),
        off=frozenset({notify.Topic.PROGRESS}),
    )
    assert "已保存" in client.get(f"{path}?saved=1").content.decode()
    assert AuditEntry.objects.filter(action="preference.put", subject=PERSON).exists()


def test_without_quiet_hours_there_are_none(client, path):
    client.post(path, USUAL)
    assert kept().quiet_from == kept().quiet_until


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"way": "chosen"}, "请至少选一种方式"),
        ({"quiet": "on", "quiet_from": "25:00", "quiet_until": "07:00"}, "请把时间写成 22:00 这样"),
        (
            {"quiet": "on", "quiet_from": "17:00", "quiet_until": "19:00", "digest": "18"},
            "汇总时间不能在免打扰时段内",
        ),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_said_at_its_field_and_nothing_is_kept(client, path, form, said):
    page = client.post(path, USUAL | form)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not PersonPreference.objects.exists()


def test_an_altered_an_expired_and_another_kind_of_address_are_the_same_to_a_stranger(client, path):
    answers = [
        client.get(f"{path[:-2]}xx"),
        client.get(f"/p/{signing.sign({'person': PERSON}, 'portal.grant', 60)}"),
        client.post("/p/nothing", USUAL),
    ]
    pages = {re.search("<main.*</main>", page.content.decode(), re.DOTALL)[0] for page in answers}
    assert {page.status_code for page in answers} == {404}
    assert len(pages) == 1


def test_whoever_guesses_addresses_is_refused(client, path):
    for _ in range(200):
        if client.get("/p/guess").status_code == 429:
            break
    else:
        raise AssertionError("nobody was refused")


def test_a_way_that_is_closed_is_said(client, path):
    ClosedWay.objects.create(
        person=PERSON, channel="sms", address="13800005678", why="用户退订", closed_at=notices.AT
    )
    assert "短信已退订或无法送达" in client.get(path).content.decode()


def test_the_page_speaks_english(client, path):
    text = client.get(f"{path}?lang=en").content.decode()
    main = text[text.index("<main") : text.index("</main>")]
    assert not re.search("[一-鿿]", main)


def test_staff_set_it_for_a_person_and_nobody_else_does(db):
    wanted = notify.Preference(off=frozenset({notify.Topic.ARRIVAL}))
    service = people.staff("service")
    assert notify.preference_put(actor=service, person=PERSON, wanted=wanted) == wanted
    view = notify.preference_of(actor=service, person=PERSON)
    assert (view.preference, view.by_staff) == (wanted, True)
    for actor in (notices.key("C001", Right.CUSTOMERS_EDIT), notices.staff(Right.SHIPMENTS_READ)):
        with pytest.raises(Forbidden):
            notify.preference_put(actor=actor, person=PERSON, wanted=wanted)
    with pytest.raises(NotFound):
        notify.preference_of(actor=service, person="endpoint:1")
    with pytest.raises(Invalid):
        notify.preference_put(actor=service, person=PERSON, wanted=notify.Preference(language="fr"))
