"""Tables of the journey: orders, shipments, pieces, trips, legs, the append-only events, ETA and proof.

People are referred to by the number of their contact in the customers room, without a foreign key: erasing a person removes the
contact and leaves the record whole. Stations and lines are referred to by code. Lengths are metres, instants aware UTC.
"""

import uuid

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from zaitu.kernel.crypto import EncryptedTextField

CODE_LENGTH = 20
NUMBER_LENGTH = 40


class Order(models.Model):
    """What a customer asked for, once; it is carried as one shipment and those split from it."""

    customer_code = models.CharField(max_length=CODE_LENGTH, blank=True)
    client_ref = models.CharField(max_length=64, blank=True)
    """The customer's own number: the same number is the same order."""
    fingerprint = models.CharField(max_length=64)
    """Of what was asked (kernel.crypto.fingerprint), so that one `client_ref` with two contents is noticed."""
    product = models.CharField(max_length=CODE_LENGTH)
    items = models.JSONField(default=list)
    """[[sku, name, quantity], …] for the recheck."""
    remarks = models.CharField(max_length=500, blank=True)
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["customer_code", "client_ref"],
                condition=~Q(client_ref=""),
                name="journey_order_client_ref",
            ),
        )

    def __str__(self) -> str:
        return f"{self.customer_code}/{self.client_ref or self.pk}"


class Trip(models.Model):
    """One run of one vehicle along a line."""

    ref = models.CharField(max_length=CODE_LENGTH, unique=True)
    line_code = models.CharField(max_length=CODE_LENGTH)
    line_name = models.CharField(max_length=60)
    vehicle = models.ForeignKey("network.Vehicle", on_delete=models.PROTECT, related_name="+")
    plate = models.CharField(max_length=12)
    driver = models.ForeignKey("network.Driver", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, default="planned")
    """A TripState."""
    departs_at = models.DateTimeField()
    """Planned departure at the first stop."""
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    points = models.JSONField()
    """[[lat, lon], …] WGS-84, within 50 m of the line's geometry."""
    length_m = models.FloatField()
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["state", "departs_at"], name="journey_trip_state"),
            models.Index(fields=["line_code", "departs_at"], name="journey_trip_line"),
            models.Index(fields=["vehicle", "-departs_at"], name="journey_trip_vehicle"),
        )

    def __str__(self) -> str:
        return self.ref


class TripStop(models.Model):
    """A stop of the line as it was when the trip was planned, with what has happened there."""

    trip = models.ForeignKey(Trip, on_delete=models.CASCADE, related_name="+")
    seq = models.PositiveSmallIntegerField()
    station_code = models.CharField(max_length=CODE_LENGTH)
    name = models.CharField(max_length=60)
    city = models.CharField(max_length=20)
    lat = models.FloatField()
    lon = models.FloatField()
    along_m = models.FloatField()
    dwell_min = models.PositiveIntegerField()
    key_node = models.BooleanField()
    planned_arrival = models.DateTimeField()
    planned_departure = models.DateTimeField()
    eta = models.DateTimeField(null=True)
    """Predicted arrival while it has not arrived."""
    eta_told = models.DateTimeField(null=True)
    """The prediction that tracking documents show; follows `eta` when it matters."""
    predictions = models.JSONField(default=list)
    """[[made at, predicted arrival], …] ISO 8601, one per horizon (domain/eta.py): what the error quantiles learn from."""
    arrived_at = models.DateTimeField(null=True)
    departed_at = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True)
    """When unloading here was closed and shortages were told."""
    heard_again = models.JSONField(default=list)
    """[[kind, at], …] ISO 8601: what the fence told here after its first word, should that one be taken back; the newest few."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["trip", "seq"], name="journey_tripstop_once"),)
        indexes = (models.Index(fields=["station_code", "trip"], name="journey_tripstop_station"),)

    def __str__(self) -> str:
        return f"{self.trip_id}/{self.seq}"


class Shipment(models.Model):
    """Goods under one waybill. Everything below `status` is folded from the events and never set by hand."""

    waybill = models.CharField(max_length=NUMBER_LENGTH, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    """The shipment this one was split from (子单)."""
    customer_code = models.CharField(max_length=CODE_LENGTH, blank=True)
    product = models.CharField(max_length=CODE_LENGTH)
    from_station = models.CharField(max_length=CODE_LENGTH)
    to_station = models.CharField(max_length=CODE_LENGTH)
    consignor_contact = models.BigIntegerField(null=True)
    consignee_contact = models.BigIntegerField(null=True)
    consignor_tail = models.CharField(max_length=64, blank=True)
    """Blind index of the last four digits of the phone (customers.public.contact_tail_indexes)."""
    consignee_tail = models.CharField(max_length=64, blank=True)
    people = ArrayField(models.CharField(max_length=64), default=list)
    """Blind indexes of the parties' names, phones and phone tails, for exact search."""
    grams = ArrayField(models.TextField(), default=list)
    """Search words of goods, stations, cities and the customer; no personal data."""
    pieces_total = models.PositiveIntegerField()
    weight_kg = models.DecimalField(max_digits=10, decimal_places=2)
    volume_m3 = models.DecimalField(max_digits=8, decimal_places=3)
    goods = models.CharField(max_length=200)
    cold_min_c = models.FloatField(null=True)
    cold_max_c = models.FloatField(null=True)
    notice_link = EncryptedTextField(blank=True)
    """Token of the signed link that notices carry."""
    ordered_at = models.DateTimeField()

    status = models.CharField(max_length=20)
    detail = models.CharField(max_length=30)
    status_at = models.DateTimeField()
    place = models.CharField(max_length=CODE_LENGTH, blank=True)
    """Station code of the last event that had one."""
    exception = models.JSONField(null=True)
    """The overlay {code, level, cause, party, action_required, plan, eta_delta, since}; null: nothing is wrong."""
    final = models.BooleanField(default=False)
    signed_at = models.DateTimeField(null=True)
    signed_pieces = models.PositiveIntegerField(default=0)
    trip = models.ForeignKey(Trip, null=True, on_delete=models.PROTECT, related_name="+")
    """The trip it is on, or is planned for next."""
    vehicle = models.ForeignKey("network.Vehicle", null=True, on_delete=models.PROTECT, related_name="+")
    """The vehicle it is in; null while it is in none."""
    leg_from_m = models.FloatField(null=True)
    leg_to_m = models.FloatField(null=True)
    """Where on the trip's route it boards and leaves."""
    eta = models.DateTimeField(null=True)
    eta_from = models.DateTimeField(null=True)
    eta_to = models.DateTimeField(null=True)
    eta_planned = models.DateTimeField(null=True)
    told_from = models.DateTimeField(null=True)
    told_to = models.DateTimeField(null=True)
    """The window that people were last told; null: none yet."""
    """The first one told, at acceptance."""
    eta_reason = models.CharField(max_length=30, blank=True)
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()
    document = models.JSONField(default=dict)
    """The tracking document, both languages, no position (domain/document.py)."""

    class Meta:
        indexes = (
            GinIndex(fields=["grams"], name="journey_shipment_grams"),
            GinIndex(fields=["people"], name="journey_shipment_people"),
            GinIndex(OpClass("waybill", name="gin_trgm_ops"), name="journey_shipment_waybill"),
            models.Index(fields=["-ordered_at", "-id"], name="journey_shipment_ordered"),
            models.Index(fields=["status", "-ordered_at"], name="journey_shipment_status"),
            models.Index(fields=["customer_code", "-ordered_at"], name="journey_shipment_customer"),
            models.Index(fields=["trip"], name="journey_shipment_trip"),
            models.Index(fields=["eta"], condition=Q(final=False), name="journey_shipment_open"),
        )

    def __str__(self) -> str:
        return self.waybill


class Piece(models.Model):
    """One labelled package."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    seq = models.PositiveIntegerField()
    label = models.CharField(max_length=NUMBER_LENGTH, unique=True)
    """`ZT…-001`; keeps its number when the piece moves to a split waybill."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["shipment", "seq"], name="journey_piece_once"),)

    def __str__(self) -> str:
        return self.label


class Leg(models.Model):
    """A shipment's ride on one trip from one stop to another."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    trip = models.ForeignKey(Trip, on_delete=models.PROTECT, related_name="+")
    from_seq = models.PositiveSmallIntegerField()
    to_seq = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, default="planned")
    """A LegState."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["shipment", "trip"], name="journey_leg_once"),
            models.CheckConstraint(condition=Q(to_seq__gt=models.F("from_seq")), name="journey_leg_forward"),
        )
        indexes = (models.Index(fields=["trip", "state"], name="journey_leg_trip"),)

    def __str__(self) -> str:
        return f"{self.shipment_id} on {self.trip_id}"


class JourneyEvent(models.Model):
    """Something that happened, as it was told. Never changed and never removed: a trigger refuses both."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    piece = models.ForeignKey(Piece, null=True, on_delete=models.PROTECT, related_name="+")
    trip = models.ForeignKey(Trip, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    source = models.CharField(max_length=40)
    """`scan`, `fact` (from vehicles), `timer`, `manual`, `order`, or `partner:<name>`."""
    key = models.CharField(max_length=120)
    """The same source never tells the same key twice."""
    at = models.DateTimeField()
    """When it happened."""
    recorded_at = models.DateTimeField()
    """When we were told."""
    station_code = models.CharField(max_length=CODE_LENGTH, blank=True)
    actor = models.CharField(max_length=80)
    """Who told it: a user, a key, a handler."""
    pieces = models.PositiveIntegerField(null=True)
    """How many pieces it speaks of; null: all, or the one in `piece`."""
    raw_code = models.CharField(max_length=60, blank=True)
    raw_text = models.CharField(max_length=300, blank=True)
    """What a partner said in its own words."""
    data = models.JSONField(default=dict)
    """References and measures only: never a name, phone or address."""
    idle = models.BooleanField(default=False)
    """A second, different ending told after the first stood: kept, without effect on the status."""
    target = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    """The event that a `voided` takes back."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "key"], name="journey_event_key"),
            models.UniqueConstraint(
                "source",
                "shipment",
                "kind",
                "raw_code",
                "at",
                "station_code",
                Coalesce("piece", 0),
                Coalesce("target", 0),
                name="journey_event_once",
            ),
        )
        indexes = (
            models.Index(fields=["shipment", "at"], name="journey_event_shipment"),
            models.Index(fields=["trip", "kind", "station_code"], name="journey_event_trip"),
        )
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.kind} {self.at.isoformat()}"


class FeedMark(models.Model):
    """How far numbers of events had been given when these transactions had begun (services/feed.py)."""

    last_id = models.BigIntegerField()
    begun_until = models.BigIntegerField()
    """All transactions that may hold a number up to `last_id` are below this one."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.last_id} < {self.begun_until}"


class ScanReceipt(models.Model):
    """What a scan was answered, so that the same scan sent again is answered the same."""

    key = models.CharField(max_length=80, unique=True)
    fingerprint = models.CharField(max_length=64)
    actor = models.CharField(max_length=80)
    result = models.JSONField(null=True)
    events = ArrayField(models.BigIntegerField(), default=list)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class NumberLink(models.Model):
    """Another number under which a shipment is known: a partner's (转单), or one it had before."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=NUMBER_LENGTH, db_index=True)
    plain = models.CharField(max_length=NUMBER_LENGTH, blank=True, default="", db_index=True)
    """How people outside find it (domain/partner_numbers.py); empty: they do not."""
    carrier = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["number", "carrier", "shipment"], name="journey_numberlink_once"),
        )

    def __str__(self) -> str:
        return self.number


class EtaPoint(models.Model):
    """One ETA that was told, and why."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    eta = models.DateTimeField()
    eta_from = models.DateTimeField()
    eta_to = models.DateTimeField()
    reason = models.CharField(max_length=30)
    """A reason of domain/eta.py."""

    class Meta:
        indexes = (models.Index(fields=["shipment", "at"], name="journey_etapoint_shipment"),)

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.eta.isoformat()}"


class SegmentPace(models.Model):
    """How fast a line's segment is driven at an hour of the Chinese day, learned from completed runs."""

    line_code = models.CharField(max_length=CODE_LENGTH)
    from_seq = models.PositiveSmallIntegerField()
    hour = models.PositiveSmallIntegerField()
    pace_s_per_km = models.FloatField()
    """Exponentially weighted mean, stops on the way included."""
    runs = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["line_code", "from_seq", "hour"], name="journey_pace_once"),
        )

    def __str__(self) -> str:
        return f"{self.line_code}/{self.from_seq}@{self.hour}"


class EtaErrors(models.Model):
    """The last errors of predictions of a line, by how far ahead they looked."""

    line_code = models.CharField(max_length=CODE_LENGTH)
    horizon_h = models.PositiveSmallIntegerField()
    """Lower edge of the horizon, hours (domain/eta.py)."""
    errors_s = ArrayField(models.FloatField(), default=list)
    """Actual minus predicted, seconds; the newest 200."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["line_code", "horizon_h"], name="journey_etaerrors_once"),
        )

    def __str__(self) -> str:
        return f"{self.line_code} {self.horizon_h} h"


class Proof(models.Model):
    """Who took the goods: the person's name is kept here, encrypted, and nowhere in the events."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField(JourneyEvent, on_delete=models.PROTECT, related_name="+")
    signer = EncryptedTextField(blank=True)
    relation = models.CharField(max_length=20)
    """A SignerRelation."""
    pieces = models.PositiveIntegerField()
    signature = models.UUIDField(null=True)
    photos = ArrayField(models.UUIDField(), default=list)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    accuracy_m = models.FloatField(null=True)
    remarks = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"proof of {self.shipment_id}"


class StoredFile(models.Model):
    """A photo or signature, re-encoded by us and sealed (kernel.crypto), under the home's files."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    """A FileKind."""
    path = models.CharField(max_length=200)
    mime = models.CharField(max_length=40)
    size_bytes = models.PositiveIntegerField()
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)
