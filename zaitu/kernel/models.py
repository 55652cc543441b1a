"""The kernel's few tables: events on their way, what holds them up, and counted attempts."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class OutboxRow(models.Model):
    """An event not yet delivered to everyone who hears it; the row goes when it is."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=100)
    partition = models.SmallIntegerField()
    """0–15, from the subject: one relay at a time works on a partition."""
    body = models.JSONField()
    done = ArrayField(models.CharField(max_length=200), default=list)
    """Handlers that have committed."""
    only_for = models.CharField(max_length=200, blank=True, default="")
    """After a re-queue: the one handler that still needs it; empty: all."""
    put_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["partition", "id"], name="outbox_partition")]

    def __str__(self) -> str:
        return f"{self.name} of {self.subject}"


class OutboxHold(models.Model):
    """A subject whose oldest event has failed: it and what follows it wait until `retry_at`."""

    subject = models.CharField(max_length=100, primary_key=True)
    row_id = models.BigIntegerField()
    tries = models.JSONField()
    """Handler → failed tries so far."""
    error = models.TextField()
    retry_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.subject} until {self.retry_at}"


class OutboxPoison(models.Model):
    """An event set aside for one handler after its last try; an administrator re-queues or drops it."""

    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=100)
    body = models.JSONField()
    handler = models.CharField(max_length=200)
    tries = models.SmallIntegerField()
    error = models.TextField()
    put_at = models.DateTimeField()
    set_aside_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} of {self.subject} for {self.handler}"


class Attempts(models.Model):
    """Recent attempts on one key, shared by all web processes (zaitu/kernel/limits.py)."""

    key = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of what is limited: the table tells no waybill and no address."""
    at = ArrayField(models.DateTimeField())
    """Oldest first, none older than the window, at most as many as the limit."""
    allowed = models.BooleanField()
    """Whether the last attempt was within the limit."""
    forget_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
