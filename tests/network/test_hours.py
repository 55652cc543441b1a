"""Delivery hours of a station, as files hold them."""

import pytest

from tests.network import make
from zaitu.network import public as network
from zaitu.network.models import Station

pytestmark = pytest.mark.django_db

COLUMNS = "站点编码,站点名称,城市,纬度,经度,送货时间"
SHQP = "SHQP,上海青浦仓,上海,31.2304,121.4737"


def loaded(content):
    return network.import_rows(actor=make.TEST, kind="stations", filename="file.csv", content=content)


def station(hours):
    return f"{COLUMNS}\r\n{SHQP},{hours}".encode()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("", (480, 1200)),
        ("08:30-18:00", (510, 1080)),
        ("9:00–21:30", (540, 1290)),
        ("22：00至次日06：00", (1320, 360)),
        ("00:00-24:00", (0, 1440)),
    ],
)
def test_delivery_hours_are_read_as_people_write_them_and_written_back(typed, stored):
    assert loaded(station(typed)).created == 1
    assert network.station_get(actor=make.TEST, code="SHQP").delivery_hours == stored
    content = network.export_rows(actor=make.TEST, kind="stations", format="csv")
    again = loaded(content)
    assert (again.unchanged, again.updated, again.failed) == (1, 0, 0)


@pytest.mark.parametrize(
    "typed", ["白天", "8-20", "08:00", "25:00-26:00", "08:70-20:00", "08:00-24:30", "08:00-09:30", "08:00-08:00",
              "08:00-次日20:00"],
)  # fmt: skip
def test_delivery_hours_that_are_none_are_refused_with_an_example(typed):
    report = loaded(station(typed))
    assert [(error.row, error.column, error.value, error.message) for error in report.errors] == [
        (2, "送货时间", typed, "送货时间须如 08:00-20:00，至少两小时；全天填 00:00-24:00")
    ]
    assert not Station.objects.exists()
