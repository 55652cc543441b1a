"""A company of somebody's own and the demo are never mixed."""

from pathlib import Path

import pytest

from tests.network import make as network_make
from zaitu.access import public as access
from zaitu.config.demo import load
from zaitu.config.demo.setup import ACTOR
from zaitu.config.homes import Home
from zaitu.customers import public as customers
from zaitu.kernel.errors import Conflict, RuleBroken
from zaitu.network import public as network

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(settings, tmp_path) -> Home:
    settings.ZAITU_HOME = str(tmp_path)
    return Home(tmp_path)


@pytest.mark.parametrize("username", ["root1", "admin"])
def test_the_demo_is_refused_where_a_company_has_an_administrator(home, username):
    draft = access.UserDraft(
        username=username, name="管理员", roles=frozenset({"administrator"}), password="Lang-genug-99"
    )
    access.user_create(actor=ACTOR, draft=draft)
    with pytest.raises(Conflict, match="正式数据"):
        load.load()
    with pytest.raises(Conflict, match="正式数据"):
        load.facts()
    assert access.users_list(actor=ACTOR).total == 1
    assert customers.customers_search(actor=ACTOR, text="").total == 0
    assert not Path(home.path, "secrets").exists(), "no password, no key"


def test_the_demo_is_refused_where_a_company_has_stations_and_no_user_yet(home):
    network_make.station("AA01")
    with pytest.raises(Conflict, match="正式数据"):
        load.load()
    assert network.stations_list(actor=ACTOR).total == 1


def test_a_home_remembers_that_it_is_a_demo(home):
    with pytest.raises(RuleBroken, match="demo load"):
        load.facts()
    load.load()
    assert home.is_demo
    assert load.loaded()
    assert load.load().orders == 0
