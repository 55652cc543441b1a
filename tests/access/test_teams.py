"""Teams: who works together, and where its members may scan."""

import pytest

from tests.access import make
from zaitu.access import public as access
from zaitu.access.models import AuditEntry, Team, TeamVersion, User
from zaitu.kernel.errors import Conflict, Forbidden, Invalid, NotFound, RuleBroken

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(db):
    return make.staff("administrator")


def test_a_team_is_renamed_and_counts_those_in_use(administrator):
    team = access.team_create(actor=administrator, name=" 夜班 ")
    for number, active in enumerate((True, True, False)):
        user = make.user("warehouse", username=f"worker{number}", is_active=active)
        access.team_join(actor=administrator, team_id=team.id, username=user.username)
    access.team_update(actor=administrator, team_id=team.id, name="早班", station_code="WH1")
    (found,) = access.teams_list(actor=administrator)
    assert (found.name, found.station_code, found.members) == ("早班", "WH1", 2)
    assert access.team_members(actor=administrator, team_id=team.id).total == 3
    assert TeamVersion.objects.filter(name="早班").exists()
    said = AuditEntry.objects.filter(action="team.put").order_by("id").values_list("subject", "detail")
    assert list(said) == [("夜班", {"former": ""}), ("早班", {"former": "夜班"})]


def test_two_teams_do_not_share_a_name(administrator):
    access.team_create(actor=administrator, name="夜班")
    other = access.team_create(actor=administrator, name="早班")
    for attempt in (
        lambda: access.team_create(actor=administrator, name="夜班"),
        lambda: access.team_update(actor=administrator, team_id=other.id, name="夜班"),
    ):
        with pytest.raises(Conflict):
            attempt()
    assert set(Team.objects.values_list("name", flat=True)) == {"夜班", "早班"}
    assert AuditEntry.objects.filter(action="team.put").count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"name": " "}, "name"), ({"name": "班" * 61}, "name"), ({"station_code": "S" * 21}, "station_code")],
)
def test_what_is_wrong_with_a_team_is_said_at_its_field(administrator, wrong, field):
    with pytest.raises(Invalid) as refused:
        access.team_create(actor=administrator, **{"name": "夜班"} | wrong)
    assert set(refused.value.fields) == {field}
    assert not Team.objects.exists()


def test_who_joins_a_team_leaves_the_one_before_and_scans_at_its_station(administrator):
    user = make.user("warehouse", username="li.lei")
    night = access.team_create(actor=administrator, name="夜班", station_code="SHQP")
    day = access.team_create(actor=administrator, name="早班", station_code="WHDX")
    for team in (night, day, day):
        access.team_join(actor=administrator, team_id=team.id, username="Li.Lei")
    assert access.stations_of(actor=access.principal_of_user(user)) == {"WHDX"}
    assert access.team_members(actor=administrator, team_id=night.id).total == 0
    entries = AuditEntry.objects.filter(action="team.join", subject="li.lei").order_by("id")
    assert [one.detail for one in entries] == [{"team": "夜班"}, {"team": "早班"}]
    access.team_leave(actor=administrator, team_id=night.id, username="li.lei")
    assert access.user_get(actor=administrator, username="li.lei").team == "早班"
    access.team_leave(actor=administrator, team_id=day.id, username="li.lei")
    assert access.user_get(actor=administrator, username="li.lei").team == ""
    assert AuditEntry.objects.filter(action="team.leave").count() == 1


def test_nobody_joins_under_a_name_that_nobody_has(administrator):
    team = access.team_create(actor=administrator, name="夜班")
    with pytest.raises(Invalid) as refused:
        access.team_join(actor=administrator, team_id=team.id, username="nobody")
    assert set(refused.value.fields) == {"username"}
    with pytest.raises(NotFound):
        access.team_leave(actor=administrator, team_id=team.id, username="nobody")


def test_a_team_with_somebody_in_it_is_not_removed_and_an_empty_one_is(administrator):
    team = access.team_create(actor=administrator, name="夜班")
    make.user("warehouse", username="li.lei", is_active=False)
    access.team_join(actor=administrator, team_id=team.id, username="li.lei")
    with pytest.raises(RuleBroken, match="还有 1 人"):
        access.team_remove(actor=administrator, team_id=team.id)
    assert User.objects.get(username="li.lei").team_id == team.id
    access.team_leave(actor=administrator, team_id=team.id, username="li.lei")
    access.team_remove(actor=administrator, team_id=team.id)
    assert not Team.objects.exists()
    assert AuditEntry.objects.filter(action="team.remove", subject="夜班").exists()


def test_teams_are_found_by_part_of_their_name(administrator):
    for name in ("青浦夜班", "青浦早班", "武汉夜班"):
        access.team_create(actor=administrator, name=name)
    found = access.teams_search(actor=administrator, text="青浦")
    assert ([one.name for one in found.rows], found.total) == (["青浦夜班", "青浦早班"], 2)


def test_a_page_of_teams_takes_as_many_queries_whatever_their_number(
    administrator, django_assert_num_queries
):
    for number in range(12):
        team = access.team_create(actor=administrator, name=f"班组 {number}")
        user = make.user("driver", username=f"driver{number}")
        access.team_join(actor=administrator, team_id=team.id, username=user.username)
    with django_assert_num_queries(2):
        assert access.teams_search(actor=administrator).total == 12


def test_a_team_that_is_not_there_is_not_found(administrator):
    make.user("driver", username="li.lei")
    for attempt in (
        lambda: access.team_get(actor=administrator, team_id=9),
        lambda: access.team_members(actor=administrator, team_id=9),
        lambda: access.team_update(actor=administrator, team_id=9, name="夜班"),
        lambda: access.team_join(actor=administrator, team_id=9, username="li.lei"),
        lambda: access.team_remove(actor=administrator, team_id=9),
    ):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize("role", ["service", "dispatch", "warehouse", "driver", "finance", "manager"])
def test_others_than_administrators_touch_no_team(administrator, role):
    team = access.team_create(actor=administrator, name="夜班")
    actor = make.staff(role)
    before = AuditEntry.objects.count()
    for attempt in (
        lambda: access.team_get(actor=actor, team_id=team.id),
        lambda: access.team_members(actor=actor, team_id=team.id),
        lambda: access.team_update(actor=actor, team_id=team.id, name="早班"),
        lambda: access.team_join(actor=actor, team_id=team.id, username=actor.name),
        lambda: access.team_leave(actor=actor, team_id=team.id, username=actor.name),
        lambda: access.team_remove(actor=actor, team_id=team.id),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert (Team.objects.get().name, AuditEntry.objects.count()) == ("夜班", before)
