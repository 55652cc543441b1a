"""Conversations, what was said in them, the tickets they are worked by, and ratings.

What people say is encrypted; found by words through blind indexes of its pairs of characters (docs/adr/0097). People are referred to
by the number of their contact, without a foreign key: erasing a person leaves the record whole.
"""

import uuid

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from zaitu.desk.domain.tickets import Kind, State, What
from zaitu.kernel.crypto import EncryptedTextField


class Conversation(models.Model):
    """One person about one shipment."""

    waybill = models.CharField(max_length=40, db_index=True)
    person = models.CharField(max_length=60)
    """`contact:12` once a phone tail has shown who it is; `visitor:…` of a browser that came by a link."""
    role = models.CharField(max_length=10, blank=True)
    """`consignee`, `consignor`; shown by the tail, or said by who came by a link."""
    contact_id = models.BigIntegerField(null=True, db_index=True)
    """Who is told of answers; null: nobody."""
    channel = models.CharField(max_length=10, default="portal")
    """By which way it came."""
    customer_code = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in Kind])
    """Of its newest ticket."""
    waiting_since = models.DateTimeField(null=True)
    """Of the first word that nobody has answered, over its tickets."""
    due_at = models.DateTimeField(null=True)
    open_tickets = models.PositiveSmallIntegerField(default=0)
    """Not closed."""
    assignee = models.CharField(max_length=80, blank=True)
    """User name of who looks after it."""
    last_entry = models.BigIntegerField(default=0)
    """Who answers says which entry was the newest on the page: a newer one is a collision."""
    created_at = models.DateTimeField()
    last_at = models.DateTimeField()
    blanked_at = models.DateTimeField(null=True)
    """When what was said was blanked, for its age or because the person was erased."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["waybill", "person"], name="desk_one_per_person"),)
        indexes = (
            models.Index(
                fields=["due_at", "id"], condition=Q(waiting_since__isnull=False), name="desk_waiting"
            ),
            models.Index(fields=["-last_at", "-id"], name="desk_lately"),
            models.Index(fields=["last_at"], condition=Q(blanked_at__isnull=True), name="desk_whole"),
        )

    def __str__(self) -> str:
        return f"{self.waybill} {self.person}"


class Ticket(models.Model):
    """One matter in a conversation. Everything below `opened_at` is folded from its entries (domain/tickets.py)."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in Kind])
    change = models.CharField(max_length=12, blank=True)
    """What is to be changed, of a request."""
    fields = EncryptedTextField(blank=True, default="")
    """JSON of what a request says: addresses, names, phones."""
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State])
    waiting_since = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["state", "due_at"], name="desk_ticket_state"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Entry(models.Model):
    """Something said or done, as it was: the log that tickets are folded from."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    ticket = models.ForeignKey(Ticket, null=True, on_delete=models.CASCADE, related_name="+")
    """Null: about the conversation as a whole."""
    what = models.CharField(max_length=10, choices=[(w.value, w.value) for w in What])
    author = models.CharField(max_length=80, blank=True)
    """User name of staff; empty: the customer; `system`: the house."""
    text = EncryptedTextField(blank=True, default="")
    grams = ArrayField(models.CharField(max_length=12), default=list)
    """Blind indexes of the text's pairs of characters."""
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["conversation", "id"], name="desk_entry_thread"),
            models.Index(fields=["ticket", "id"], name="desk_entry_ticket"),
            GinIndex(fields=["grams"], name="desk_entry_grams"),
        )
        triggers = (
            # Text and its index are blanked for their age and written anew under a new key; nothing else ever changes.
            pgtrigger.ReadOnly(name="as_it_was", exclude=["text", "grams"]),
        )

    def __str__(self) -> str:
        return f"{self.what} {self.at.isoformat()}"


class Attachment(models.Model):
    """A photo that came with an entry, re-encoded by us and sealed, under the home's files."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    path = models.CharField(max_length=200)
    size_bytes = models.PositiveIntegerField()

    def __str__(self) -> str:
        return str(self.id)


class Rating(models.Model):
    """What a person thought of how a shipment was carried."""

    waybill = models.CharField(max_length=40)
    person = models.CharField(max_length=60)
    """`contact:12`; `as:consignee` of who came by a link and said so."""
    visitor = models.CharField(max_length=40, blank=True)
    """The browser that gave one without a tail: only there it is changed."""
    contact_id = models.BigIntegerField(null=True, db_index=True)
    customer_code = models.CharField(max_length=20, blank=True)
    stars = models.PositiveSmallIntegerField()
    reasons = ArrayField(models.CharField(max_length=12), default=list)
    text = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(db_index=True)
    blanked_at = models.DateTimeField(null=True)
    """As of a conversation."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["waybill", "person"], name="desk_one_rating"),
            models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="desk_stars"),
        )

    def __str__(self) -> str:
        return f"{self.waybill} {self.stars}"
