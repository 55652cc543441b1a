"""Documents that were captured, and the events in them as they came."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

OWNER_LENGTH = 80


class CaptureJob(models.Model):
    """One document: what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.CharField(max_length=OWNER_LENGTH)
    """`customer:<code>` or `partner:<name>`: who captured, and the only one who is answered."""
    key = models.CharField(max_length=80)
    """Prefix of the API key."""
    behaviour = models.CharField(max_length=10)
    """`rollback` or `proceed`."""
    success = models.BooleanField()
    captured = models.PositiveIntegerField()
    """Events that were new."""
    repeated = models.PositiveIntegerField()
    errors = models.JSONField(default=list)
    """Problem documents, in the order of the events."""
    told = models.JSONField(default=dict)
    """What the journeys took of it (domain/capturing.py)."""
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["owner", "-created_at"], name="epcis_job_owner")]

    def __str__(self) -> str:
        return str(self.id)


class CapturedEvent(models.Model):
    """An event of somebody else, kept whole. What is looked for stands beside it."""

    owner = models.CharField(max_length=OWNER_LENGTH)
    event_id = models.TextField()
    """The sender's, or one made of the content when it gave none."""
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of the event without what is recorded or declared of it later."""
    job = models.ForeignKey(CaptureJob, null=True, on_delete=models.PROTECT, related_name="+")
    body = models.JSONField()
    context = models.JSONField(default=list)
    """What its prefixes mean."""
    type = models.TextField()
    action = models.TextField(blank=True)
    biz_step = models.TextField(blank=True)
    disposition = models.TextField(blank=True)
    read_point = models.TextField(blank=True)
    biz_location = models.TextField(blank=True)
    parent = models.TextField(blank=True)
    epcs = ArrayField(models.TextField(), default=list)
    any_epcs = ArrayField(models.TextField(), default=list)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "event_id"], name="epcis_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-at", "-id"], name="epcis_event_at"),
            models.Index(fields=["owner", "-recorded_at", "-id"], name="epcis_event_recorded"),
            GinIndex(fields=["epcs"], name="epcis_event_epcs"),
            GinIndex(fields=["any_epcs"], name="epcis_event_any_epcs"),
        ]

    def __str__(self) -> str:
        return self.event_id
