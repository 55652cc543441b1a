"""Tables of identity: users, teams, keys, links, and the audit."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models

from zaitu.kernel import clock
from zaitu.kernel.history import tracked, transaction_number


@tracked()
class Team(models.Model):
    """People who share work: a shift, a counter, a fleet."""

    name = models.CharField(max_length=60, unique=True)
    station_code = models.CharField(max_length=20, blank=True, default="")
    """The station the team works at; empty: none. A code, for stations live in a higher room."""

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a hashed password; without one, the user cannot sign in until it is set."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


@tracked(exclude=["password", "last_login"])
class User(AbstractBaseUser):
    """A person who signs in. Rights come from roles only (domain/rights.py); there is no superuser beside the table."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60, blank=True, default="")
    """How colleagues call them."""
    roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    station_code = models.CharField(max_length=20, blank=True, default="")
    """Where a warehouse or counter user works: the default station of their scans."""
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering: ClassVar = ["username"]

    def __str__(self) -> str:
        return self.username


@tracked(exclude=["last_used_at", "hash"])
class ApiKey(models.Model):
    """A customer's or a partner carrier's key. The secret is shown once; only its SHA-256 stays (it has 256 random bits: nothing to guess)."""

    prefix = models.CharField(max_length=12, unique=True)
    """Public part, shown in lists and in the audit."""
    hash = models.CharField(max_length=64)
    name = models.CharField(max_length=60)
    customer_code = models.CharField(max_length=20, db_index=True, blank=True)
    partner = models.CharField(max_length=32, blank=True, default="")
    """The carrier's name as forwardings have it; a key is a customer's or a partner's."""
    scopes = ArrayField(models.CharField(max_length=20))
    rate_per_min = models.PositiveIntegerField(default=600)
    """Requests a minute the API lets through for this key."""
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    """Correct to the minute: written at most once a minute."""
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(customer_code="", partner__gt="")
                | models.Q(customer_code__gt="", partner=""),
                name="access_key_of_one",
            ),
        ]

    def __str__(self) -> str:
        return self.prefix


class SignedLink(models.Model):
    """A link that opens one shipment to its holder until it expires or is revoked. The token is not kept, only its SHA-256."""

    token_hash = models.CharField(max_length=64, unique=True)
    waybill = models.CharField(max_length=24, db_index=True)
    scopes = ArrayField(models.CharField(max_length=20))
    issued_by = models.CharField(max_length=80)
    issued_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.waybill} #{self.pk}"


class AuditEntry(models.Model):
    """Who did what to what, and who read whose personal data. The database refuses to change or remove a row."""

    at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=20)
    """Kind of principal: staff, customer_key, partner_key, link, system."""
    actor = models.CharField(max_length=80)
    user_id = models.BigIntegerField(null=True, blank=True)
    """Plain number: the record must outlive whatever happens to the user's row."""
    action = models.CharField(max_length=60)
    """`room.verb`, e.g. `order.create`, `personal.read`."""
    subject = models.CharField(max_length=100)
    detail = models.JSONField(default=dict)
    """References and field names only, never personal data itself."""
    transaction = models.BigIntegerField(db_default=transaction_number())
    """Joins the versions of rows changed in the same transaction (kernel/history.py)."""

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["subject", "-id"], name="access_audit_subject"),
            models.Index(fields=["actor", "-id"], name="access_audit_actor"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
