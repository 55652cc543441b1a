"""Homes of earlier versions keep the company's name in a file."""

import pytest

from zaitu.config.homes import Home
from zaitu.config.management.commands.up import _name_company
from zaitu.kernel.principal import system
from zaitu.network import public as network
from zaitu.network.models import Company

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_name_of_an_old_home_is_taken_over_once(tmp_path):
    (tmp_path / "company.txt").write_text("顺驰物流\n", encoding="utf-8")
    _name_company(Home(tmp_path))
    network.company_put(actor=system("tests"), company=network.CompanyView(name="顺驰供应链"))
    _name_company(Home(tmp_path))
    assert Company.objects.get().name == "顺驰供应链"


def test_a_new_home_has_none(tmp_path):
    _name_company(Home(tmp_path))
    assert network.company().name == ""
