"""Tables of customers: contract customers, and the contacts on shipments with their personal data encrypted."""

from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from zaitu.kernel import clock
from zaitu.kernel.crypto import EncryptedTextField
from zaitu.kernel.history import tracked

PHONE: Final = "phone"
TAIL: Final = "tail"
"""Purposes of the blind indexes of a contact's number and of its last four digits."""


@tracked(exclude=["grams"])
class Customer(models.Model):
    """A company we have a contract with, or a retail customer with an account. A company's name is not personal data."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10)
    email = models.EmailField(blank=True, default="")
    """The company's mailbox for notices, not a person's."""
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)
    grams = ArrayField(models.TextField(), default=list)

    class Meta:
        ordering: ClassVar = ["code"]
        indexes: ClassVar = [GinIndex(fields=["grams"], name="customers_customer_grams")]

    def __str__(self) -> str:
        return self.code


class Contact(models.Model):
    """A party of a shipment. Erasing blanks what tells who it was; the id stays, so that records stay whole."""

    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Whose contact this is; null: of a retail order."""
    name = EncryptedTextField(blank=True, default="")
    phone = EncryptedTextField(blank=True, default="")
    address = EncryptedTextField(blank=True, default="")
    email = EncryptedTextField(blank=True, default="")
    city = models.CharField(max_length=40, blank=True, default="")
    phone_index = models.CharField(max_length=32, blank=True, default="", db_index=True)
    """Blind index of the full number."""
    tail_index = models.CharField(max_length=32, blank=True, default="", db_index=True)
    """Blind index of the last four digits."""
    fingerprint = models.CharField(max_length=32, null=True, blank=True, unique=True)
    """Blind index of everything together: the same party twice is one row."""
    created_at = models.DateTimeField(default=clock.now)
    erased_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"contact:{self.pk}"
