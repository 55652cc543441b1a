from django.contrib.auth.models import AbstractUser
from django.db import models
from django.test.utils import isolate_apps

from zaitu.kernel.checks import HEIGHT, relation_faults, relations_point_down


def faults(model, name):
    return [fault.id for fault in relation_faults(model, model._meta.get_field(name))]


@isolate_apps(
    "zaitu.network", "zaitu.customers", "zaitu.journey", "django.contrib.auth", "django.contrib.contenttypes"
)
def test_relations_point_to_the_same_or_a_lower_room_and_nothing_looks_back():
    class Station(models.Model):  # noqa: DJ008  nobody prints it
        class Meta:
            app_label = "network"

    class Shipment(models.Model):  # noqa: DJ008  nobody prints it
        station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="+")
        parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
        looks_back = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="shipments")
        unnamed = models.ManyToManyField(Station)
        number = models.IntegerField()

        class Meta:
            app_label = "journey"

    class Upward(models.Model):  # noqa: DJ008  nobody prints it
        shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "network"

    class Sideways(models.Model):  # noqa: DJ008  nobody prints it
        station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "customers"

    assert faults(Shipment, "station") == faults(Shipment, "parent") == faults(Shipment, "number") == []
    assert faults(Shipment, "looks_back") == faults(Shipment, "unnamed") == ["zaitu.E002"]
    assert faults(Upward, "shipment") == ["zaitu.E001"]
    assert faults(Sideways, "station") == ["zaitu.E001"]


@isolate_apps("zaitu.access", "django.contrib.auth", "django.contrib.contenttypes")
def test_what_a_library_s_base_brings_is_not_ours_to_judge():
    class Person(AbstractUser):
        class Meta:
            app_label = "access"

    assert faults(Person, "groups") == faults(Person, "user_permissions") == []


def test_every_room_keeps_the_rule():
    assert relations_point_down() == []


def test_the_check_knows_every_room_of_the_import_contract_in_its_order():
    import tomllib
    from pathlib import Path

    contracts = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "rooms")
    heights = [{HEIGHT[room.strip()] for room in layer.split("|")} for layer in layers]
    assert all(len(height) == 1 for height in heights)
    order = [height.pop() for height in heights]
    assert order == sorted(order, reverse=True)
    assert len(set(order)) == len(order)
