"""The pages of teams: list, form, members."""

import pytest

from tests.access import make as people
from tests.console import make
from tests.network import make as network
from zaitu.access import public as access
from zaitu.access.models import AuditEntry, Team, User
from zaitu.kernel.principal import system

pytestmark = pytest.mark.django_db
TEST = system("test")


@pytest.fixture
def admin(db):
    return make.signed_in("administrator")


def team(name="青浦夜班", **fields):
    return access.team_create(actor=TEST, name=name, **fields)


def test_without_teams_the_page_teaches_the_first_step(admin):
    text = admin.get("/console/teams").content.decode()
    assert "还没有班组" in text
    assert 'href="/console/teams/new"' in text
    assert "没有符合的班组" in admin.get("/console/teams?q=无").content.decode()


def test_a_team_is_made_with_a_station_and_shown_by_the_station_s_name(admin):
    network.three_stations()
    answer = admin.post("/console/teams/new", {"name": "青浦夜班", "station_code": "SHQP"}, follow=True)
    made = Team.objects.get()
    assert answer.redirect_chain[-1][0] == f"/console/teams/{made.id}"
    assert "班组已建立" in answer.content.decode()
    text = admin.get("/console/teams?q=夜").content.decode()
    assert "青浦夜班" in text
    assert "上海青浦仓" in text
    assert AuditEntry.objects.get(action="team.put").actor != "test"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "请填写班组名称"),
        ({"name": "青浦夜班"}, "已有同名班组"),
        ({"name": "新", "station_code": "NOWHERE"}, "没有这个站点，请从列表中选择"),
        ({"name": "新", "station_code": "X" * 300}, "没有这个站点，请从列表中选择"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_stays(admin, typed, said):
    team()
    answer = admin.post("/console/teams/new", typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert f'value="{typed["name"]}"' in answer.content.decode()
    assert Team.objects.count() == 1


def test_a_team_is_renamed(admin):
    one = team()
    assert admin.post(f"/console/teams/{one.id}", {"name": "青浦早班"}).status_code == 302
    assert Team.objects.get().name == "青浦早班"
    team("武汉班")
    answer = admin.post(f"/console/teams/{one.id}", {"name": "武汉班"})
    assert (answer.status_code, "已有同名班组" in answer.content.decode()) == (422, True)


def test_people_join_and_leave_and_an_empty_team_is_removed(admin):
    one = team()
    people.user("warehouse", username="li.lei", name="李雷")
    admin.post(f"/console/teams/{one.id}/join", {"username": "li.lei"})
    page = admin.get(f"/console/teams/{one.id}").content.decode()
    assert "李雷" in page
    assert "1 人" in page
    refused = admin.post(f"/console/teams/{one.id}/remove")
    assert (refused.status_code, "班组还有 1 人" in refused.content.decode()) == (409, True)
    admin.post(f"/console/teams/{one.id}/leave", {"username": "li.lei"})
    assert User.objects.get(username="li.lei").team is None
    assert admin.post(f"/console/teams/{one.id}/remove").status_code == 302
    assert not Team.objects.exists()


def test_a_member_nobody_knows_is_refused_at_the_field(admin):
    one = team()
    answer = admin.post(f"/console/teams/{one.id}/join", {"username": "nobody"})
    assert answer.status_code == 422
    assert "没有这个用户，请从列表中选择" in answer.content.decode()


def test_what_is_done_to_teams_is_in_the_record_in_words(admin):
    one = team()
    people.user("warehouse", username="li.lei")
    admin.post(f"/console/teams/{one.id}/join", {"username": "li.lei"})
    admin.post(f"/console/teams/{one.id}/leave", {"username": "li.lei"})
    admin.post(f"/console/teams/{one.id}/remove")
    text = admin.get("/console/audit").content.decode()
    for said in ("加入班组", "移出班组", "删除班组", "修改班组"):
        assert text.count(said) > 1, said


def test_colleagues_are_picked_by_those_who_manage_users_only(admin):
    people.user("driver", username="han.mei", name="韩梅梅")
    found = admin.get("/console/pick/users?q=韩").json()
    assert [(one["value"], one["text"]) for one in found] == [("han.mei", "韩梅梅")]
    assert make.signed_in("manager").get("/console/pick/users?q=韩").status_code == 404


def test_hostile_names_are_text(admin):
    one = team(name="<script>x</script>")
    for path in ("/console/teams", f"/console/teams/{one.id}"):
        assert "<script>x" not in admin.get(path).content.decode()
