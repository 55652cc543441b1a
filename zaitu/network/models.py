"""Tables of the network. Coordinates are WGS-84 degrees; `grams` serve Chinese search (kernel.search)."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q

from zaitu.kernel.crypto import EncryptedTextField
from zaitu.kernel.history import tracked

CODE_LENGTH = 20
NAME_LENGTH = 60
COMPANY_NAME_LENGTH = 40
HOTLINE_LENGTH = 30


class _Searchable(models.Model):
    """Searched by unigrams and bigrams of its words."""

    grams = ArrayField(models.TextField(), default=list)
    active = models.BooleanField(default=True)

    class Meta:
        abstract = True


@tracked()
class Company(models.Model):
    """The one company of this installation, as everybody sees it; no row: it has not been named yet."""

    name = models.CharField(max_length=COMPANY_NAME_LENGTH)
    hotline = models.CharField(max_length=HOTLINE_LENGTH, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="network_one_company"),
        ]

    def __str__(self) -> str:
        return self.name


@tracked()
class ServiceProduct(models.Model):
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    name = models.CharField(max_length=NAME_LENGTH)
    promise_hours = models.PositiveSmallIntegerField()
    cold = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.code


@tracked(exclude=["grams"])
class Station(_Searchable):
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    name = models.CharField(max_length=NAME_LENGTH)
    kind = models.CharField(max_length=10)
    province = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=20)
    address = models.CharField(max_length=200, blank=True)
    lat = models.FloatField()
    lon = models.FloatField()
    radius_m = models.PositiveIntegerField(default=300)
    fence = models.JSONField(null=True)
    """[[lat, lon], …]; null: the circle."""
    delivery_opens_min = models.PositiveSmallIntegerField(default=480, db_default=480)
    delivery_closes_min = models.PositiveSmallIntegerField(default=1200, db_default=1200)
    """Minutes after midnight, Chinese time; closing at or before opening is on the next day."""

    class Meta:
        indexes: ClassVar = [GinIndex(fields=["grams"], name="network_station_grams")]

    def __str__(self) -> str:
        return self.code


@tracked(exclude=["grams"])
class Line(_Searchable):
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    name = models.CharField(max_length=NAME_LENGTH)
    product = models.ForeignKey(ServiceProduct, null=True, on_delete=models.PROTECT, related_name="+")
    geometry = models.JSONField()
    """[[lat, lon], …]."""
    length_m = models.FloatField()

    class Meta:
        indexes: ClassVar = [GinIndex(fields=["grams"], name="network_line_grams")]

    def __str__(self) -> str:
        return self.code


@tracked()
class LineStop(models.Model):
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")
    seq = models.PositiveSmallIntegerField()
    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="+")
    along_m = models.FloatField()
    arrive_after_min = models.PositiveIntegerField()
    dwell_min = models.PositiveIntegerField(default=0)
    key_node = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "seq"], name="network_linestop_once")
        ]

    def __str__(self) -> str:
        return f"{self.line_id}/{self.seq}"


@tracked(exclude=["grams"])
class Vehicle(_Searchable):
    plate = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=10)
    temp_controlled = models.BooleanField(default=False)
    capacity_kg = models.PositiveIntegerField(default=0)
    capacity_m3 = models.FloatField(default=0)

    class Meta:
        indexes: ClassVar = [GinIndex(fields=["grams"], name="network_vehicle_grams")]

    def __str__(self) -> str:
        return self.plate


@tracked(exclude=["grams", "name", "phone", "phone_index"])
class Driver(_Searchable):
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    name = models.CharField(max_length=NAME_LENGTH)
    phone = EncryptedTextField(blank=True)
    phone_index = models.CharField(max_length=32, blank=True, db_index=True)
    """Blind index of the whole number (purpose `phone`)."""
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        indexes: ClassVar = [GinIndex(fields=["grams"], name="network_driver_grams")]

    def __str__(self) -> str:
        return self.code


@tracked()
class TerminalBinding(models.Model):
    """This terminal is in this vehicle from `from_at` until before `to_at`; at one time a terminal is in one vehicle."""

    terminal = models.CharField(max_length=20)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="+")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(to_at__isnull=True) | Q(to_at__gt=F("from_at")), name="network_binding_forward"
            ),
            ExclusionConstraint(
                name="network_binding_one_vehicle_at_a_time",
                expressions=[
                    ("terminal", RangeOperators.EQUAL),
                    (
                        Func(
                            "from_at",
                            "to_at",
                            RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terminal} in {self.vehicle_id}"
