"""Telephone calls, one row each: the state between two turns, and the record when it is over."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from zaitu.hotline.domain.calls import CALL_ID_MAX, Outcome
from zaitu.kernel.crypto import EncryptedTextField


class Call(models.Model):
    key = models.CharField(max_length=64, unique=True)
    """SHA-256 of door, holder and the telephone system's id: one row however many processes hear of the call."""
    door = models.CharField(max_length=10)
    holder = models.CharField(max_length=60)
    """Whose telephone system: the key's partner, or `agi`."""
    call_id = models.CharField(max_length=CALL_ID_MAX)
    caller = EncryptedTextField(blank=True, default="")
    """As kernel.phones spells it; empty when withheld, or blanked for its age."""
    person = models.CharField(max_length=60, blank=True, default="", db_index=True)
    """`contact:12` when the calling number is a party's."""
    role = models.CharField(max_length=10, blank=True, default="")
    turn = models.PositiveIntegerField(default=0)
    state = models.JSONField(default=dict)
    """Of the conversation; emptied when the call is old."""
    reply = EncryptedTextField(blank=True, default="")
    """JSON of the last answer, which may hold what only parties are told; emptied when the call is old."""
    waybill = models.CharField(max_length=20, blank=True, default="")
    told = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    verified = models.CharField(max_length=10, blank=True, default="")
    asked = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    why = models.CharField(max_length=10, blank=True, default="")
    outcome = models.CharField(max_length=10, default=Outcome.RUNNING.value)
    begun_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    """When a shipment was first told."""
    handed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.CharField(max_length=150, blank=True, default="")
    """User name of who took it up."""
    taken_at = models.DateTimeField(null=True, blank=True)
    blanked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-begun_at"], name="hotline_call_begun"),
            models.Index(fields=["waybill", "-begun_at"], name="hotline_call_waybill"),
            models.Index(
                fields=["heard_at"], name="hotline_call_running", condition=Q(outcome=Outcome.RUNNING.value)
            ),
            models.Index(
                fields=["handed_at"],
                name="hotline_call_waiting",
                condition=Q(handed_at__isnull=False, taken_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"call:{self.pk}"
