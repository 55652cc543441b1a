"""Tables of telemetry. Coordinates are WGS-84 degrees, instants UTC.

A terminal is known by its digits with leading zeros stripped (2013 and 2019 firmware pad the same number differently).
Positions are keyed by terminal and never updated; which vehicle one belongs to is decided at its fix time.
"""

from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from zaitu.kernel.crypto import EncryptedTextField

TERMINAL_LENGTH = 20
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a vehicle was seen that is watched and has not said anything yet."""


class Terminal(models.Model):
    """A device an administrator has let in."""

    terminal = models.CharField(max_length=TERMINAL_LENGTH, unique=True)
    kind = models.CharField(max_length=10)
    """`jt808`, `elock`, `osmand` or `mqtt`."""
    plate = models.CharField(max_length=12)
    """The vehicle it was let in for; where it is when: network's bindings."""
    version = models.CharField(max_length=4, blank=True)
    """`2011`, `2013` or `2019`, as its registration showed."""
    maker = models.CharField(max_length=11, blank=True)
    model = models.CharField(max_length=30, blank=True)
    profile = models.CharField(max_length=20, blank=True, default="", db_default="")
    """What its maker means, by a name of codecs.jt808.profiles; empty: by its model."""
    device_id = models.CharField(max_length=30, blank=True)
    """The terminal id of its registration: who may register again."""
    reported_plate = models.CharField(max_length=40, blank=True)
    """What it says itself; a difference to `plate` is shown to the administrator."""
    auth_code_hash = models.CharField(max_length=64, blank=True)
    """SHA-256 of the code given by 0x8100; empty: not registered."""
    token_hash = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  unique, so absent must be null
    """SHA-256 of a phone's token."""
    adopted_at = models.DateTimeField()
    registered_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    last_fix_at = models.DateTimeField(null=True)
    """Newest stored fix time: a fix after it cannot be a repetition."""

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["jt808", "elock", "osmand", "mqtt"]), name="telemetry_terminal_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.terminal


class UnknownTerminal(models.Model):
    """A device that spoke to us and is not let in; the least recently seen go first when the list is full."""

    terminal = models.CharField(max_length=TERMINAL_LENGTH, unique=True)
    kind = models.CharField(max_length=10, default="jt808")
    version = models.CharField(max_length=4, blank=True)
    maker = models.CharField(max_length=11, blank=True)
    model = models.CharField(max_length=30, blank=True)
    device_id = models.CharField(max_length=30, blank=True)
    reported_plate = models.CharField(max_length=40, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.terminal


class Position(models.Model):
    """One report of a terminal, partitioned by `at` (adapters/partitions.py); written by COPY only.

    Neither its key nor an index holds over the whole table: the engine knows what came before, partitions have b-trees of their own.
    """

    pk = models.CompositePrimaryKey("terminal_id", "at", "digest")
    terminal_id = models.BigIntegerField()
    """Terminal.id; no foreign key, since checking one costs more than the row."""
    at = models.DateTimeField()
    """Fix time; the receive time where the flag CLOCK is set."""
    digest = models.BigIntegerField()
    """Of the fix as sent: the same fix sent again has the same digest."""
    vehicle_id = models.BigIntegerField(null=True)
    """Where the terminal was at `at`; null: in no vehicle."""
    received_at = models.DateTimeField()
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    """Null: no fix."""
    altitude_m = models.SmallIntegerField(null=True)
    speed_kmh = models.FloatField(null=True)
    course_deg = models.SmallIntegerField(null=True)
    flags = models.SmallIntegerField()
    """Bits of codecs.columns.Flag."""
    alarm = models.BigIntegerField()
    """The 32 alarm bits as sent (0 for phones)."""
    status = models.BigIntegerField()
    """The 32 status bits as sent (0 for phones)."""
    odometer_m = models.BigIntegerField(null=True)
    temps_c = ArrayField(models.FloatField(null=True), null=True)
    """By probe; an element is null where a probe is absent."""
    humidity_pct = models.FloatField(null=True)
    battery_pct = models.FloatField(null=True)
    shock_g = models.FloatField(null=True)
    lock_events = models.SmallIntegerField(null=True)
    """Bits of codecs.locks.LockEvent; null: none."""
    lock_closed = models.BooleanField(null=True)
    items = models.BinaryField(null=True)
    """What followed the position block, as sent; read again by codecs.jt808.items."""
    extra = models.JSONField(null=True)
    """What has no column and is not in `items`: a phone's words, a time that could not be used."""

    def __str__(self) -> str:
        return f"{self.terminal_id} at {self.at:%Y-%m-%d %H:%M:%S}"


class Quarantine(models.Model):
    """What was received and must not count as a position: before authentication, or with a time that means nothing."""

    terminal = models.CharField(max_length=TERMINAL_LENGTH, db_index=True)
    received_at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=20)
    """`unauthenticated`, `clock`, `unreadable` or `unstorable`."""
    content = models.BinaryField()
    """The frame, or the fix, as sent."""

    def __str__(self) -> str:
        return f"{self.terminal}: {self.reason}"


class TerminalCommand(models.Model):
    """Something a terminal was asked to do, and what became of it (domain/commands.py)."""

    terminal = models.CharField(max_length=TERMINAL_LENGTH)
    kind = models.CharField(max_length=20)
    parameters = models.JSONField()
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="queued")
    why = models.CharField(max_length=12, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    """How often it was given to a connection; with the state, whose it is."""
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["terminal", "-id"], name="telemetry_command_terminal"),
            models.Index(
                fields=["expires_at"],
                name="telemetry_command_open",
                condition=Q(state__in=["queued", "sent"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.terminal}: {self.state}"


class Watch(models.Model):
    """What to look for in a vehicle's fixes; put down by journey, one per vehicle."""

    vehicle = models.OneToOneField(
        "network.Vehicle", primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    trip = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    """Rises with every change: compiled watches are cached by (vehicle, version)."""
    document = models.JSONField()
    """domain.watch.Watch as JSON."""
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.vehicle_id}: {self.trip}"


class VehicleState(models.Model):
    """A vehicle's newest fix and what the rules remember of it. Locked in the order of vehicle ids."""

    vehicle = models.OneToOneField(
        "network.Vehicle", primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    at = models.DateTimeField()
    """Fix time of the newest fix, never moves back; NEVER, and no place: it is watched and has had none."""
    received_at = models.DateTimeField()
    lat = models.FloatField()
    lon = models.FloatField()
    speed_kmh = models.FloatField(null=True)
    course_deg = models.SmallIntegerField(null=True)
    acc = models.BooleanField(null=True)
    odometer_m = models.BigIntegerField(null=True)
    temps_c = ArrayField(models.FloatField(null=True), null=True)
    trip = models.CharField(max_length=40, blank=True)
    """Of the watch the following fields were computed with."""
    along_m = models.FloatField(null=True)
    """Metres from the start of the trip's route."""
    off_m = models.FloatField(null=True)
    """Metres beside the route."""
    rules = models.JSONField(default=dict, db_default={})
    """What the rules remember of it (kernels/document.py)."""
    late_from = models.DateTimeField(null=True)
    """Fix time of the earliest late fix not yet looked at."""
    late_since = models.DateTimeField(null=True)
    """When the first of those came."""
    late_seen_at = models.DateTimeField(null=True)
    """When the latest late fix was received."""

    def __str__(self) -> str:
        return f"{self.vehicle_id} at {self.at:%Y-%m-%d %H:%M:%S}"


class Shard(models.Model):
    """A part of the fleet that one engine at a time writes (adapters/shards.py)."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    epoch = models.BigIntegerField()
    """Raised by each engine that takes it; one with an older epoch writes nothing."""
    sequence = models.BigIntegerField()
    """Of the last tick stored."""
    flushed_at = models.DateTimeField(null=True)
    """What was received before it is in the vehicles' and terminals' rows."""
    holder = models.CharField(max_length=40, blank=True)
    """Of several workers the one that reads this shard's ticks; empty: none, or there is one engine for all."""
    lease_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"shard {self.number}"


class IngestWorker(models.Model):
    """A process that stores ticks from a stream; gone when it has not said otherwise for a few seconds."""

    name = models.CharField(max_length=40, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ArchivedPart(models.Model):
    """A partition that lies in a file (adapters/archive.py) and no longer in the table."""

    name = models.CharField(max_length=60, primary_key=True)
    """Of the partition; its file is named so too."""
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField()
    """Rows with start ≤ at < end."""
    rows = models.BigIntegerField()
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    archived_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class MediaFile(models.Model):
    """A picture, sound or film that a terminal sent (0x0801); the file lies sealed under the home."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    terminal = models.CharField(max_length=TERMINAL_LENGTH)
    vehicle_id = models.BigIntegerField(null=True)
    """Where the terminal was at `taken_at`; null: in no vehicle."""
    media_id = models.BigIntegerField()
    """The terminal's own number of it."""
    kind = models.CharField(max_length=10)
    """`image`, `audio`, `video`, or a number of the maker's own; the same for the next two."""
    format = models.CharField(max_length=10)
    event = models.CharField(max_length=20)
    channel = models.PositiveSmallIntegerField()
    taken_at = models.DateTimeField()
    """As the terminal says; when it was received where that means nothing."""
    received_at = models.DateTimeField(db_index=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    """Of the content as sent."""
    path = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            # The same content under the same number is the same picture, sent again.
            models.UniqueConstraint(fields=["terminal", "media_id", "sha256"], name="telemetry_media_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["terminal", "received_at"], name="telemetry_media_terminal"),
            models.Index(fields=["vehicle_id", "received_at"], name="telemetry_media_vehicle"),
        ]

    def __str__(self) -> str:
        return f"{self.terminal}: {self.media_id}"


class TerminalReport(models.Model):
    """What a terminal told beside positions: a driver's card, a waybill, a picture it has taken."""

    terminal = models.CharField(max_length=TERMINAL_LENGTH)
    vehicle_id = models.BigIntegerField(null=True)
    """Where the terminal was at `at`; null: in no vehicle."""
    kind = models.CharField(max_length=20)
    """domain.reports.Kind."""
    at = models.DateTimeField()
    """As the terminal says; when it was received where that means nothing."""
    received_at = models.DateTimeField(db_index=True)
    body = EncryptedTextField()
    """What docs/jt808-decode.md lists for its message, as JSON; drivers' names and numbers are among it."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["terminal", "received_at"], name="telemetry_report_terminal"),
        ]

    def __str__(self) -> str:
        return f"{self.terminal}: {self.kind}"


class LockMemory(models.Model):
    """How a lock said that it is, last: what changed since becomes an event, also after a restart."""

    terminal = models.CharField(max_length=TERMINAL_LENGTH, primary_key=True)
    at = models.DateTimeField()
    """Of the report; never moves back."""
    closed = models.BooleanField(null=True)
    cover_closed = models.BooleanField(null=True)

    def __str__(self) -> str:
        return f"{self.terminal} at {self.at:%Y-%m-%d %H:%M:%S}"
