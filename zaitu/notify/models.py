"""Messages, what came of each try, and where customers' systems want to be told."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from zaitu.kernel.crypto import EncryptedTextField
from zaitu.notify.domain.alerts import RobotProvider
from zaitu.notify.domain.delivery import OPEN_STATES, Channel, State

_OPEN = Q(state__in=[state.value for state in OPEN_STATES])


class WebhookEndpoint(models.Model):
    """An address of a contract customer's system, with the secret its messages are signed with."""

    customer_code = models.CharField(max_length=40, db_index=True)
    url = models.CharField(max_length=500)
    secret = EncryptedTextField()
    """`whsec_…`."""
    kinds = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    """Empty: every kind."""
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_why = models.CharField(max_length=100, blank=True, default="")
    removed_at = models.DateTimeField(null=True, blank=True)
    """Removed ones are kept, since messages point at them."""
    failures = models.PositiveIntegerField(default=0)
    """Times in a row that it could not be reached or asked us to slow down."""
    paused_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    last_ok_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.customer_code} {self.url}"


class Message(models.Model):
    """One thing told to one person on one channel. Its row is the queue: couriers claim by `next_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Also the Message-ID and the webhook-id, so that a repeat after a crash is recognised."""
    fact = models.CharField(max_length=100)
    person = models.CharField(max_length=60)
    purpose = models.CharField(max_length=20)
    """A `Kind`."""
    channel = models.CharField(max_length=10, choices=[(c.value, c.value) for c in Channel])
    """The way it is now on."""
    ways = EncryptedTextField(blank=True, default="")
    """JSON of the ways left to this person, in order: `[[channel, address], …]`."""
    way_since = models.DateTimeField()
    """When the way it is now on was begun."""
    fall_back_at = models.DateTimeField(null=True, blank=True)
    """When the next way is taken unless this one has told it by then; null: there is none."""
    urgency = models.PositiveSmallIntegerField()
    """`Urgency`."""
    waybill = models.CharField(max_length=20, db_index=True)
    """Empty: of none, or of several."""
    customer_code = models.CharField(max_length=40, blank=True, default="")
    bundle = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    """The message it was told in, together with others."""
    endpoint = models.ForeignKey(
        WebhookEndpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    address = EncryptedTextField(blank=True, default="")
    """Where it goes on this way; empty for webhooks."""
    subject = models.CharField(max_length=200)
    words = EncryptedTextField()
    """JSON of the words or facts; holds a tracking link that opens without a password."""
    at = models.DateTimeField()
    created_at = models.DateTimeField()
    useful_until = models.DateTimeField()
    state = models.CharField(
        max_length=10, default=State.QUEUED.value, choices=[(s.value, s.value) for s in State]
    )
    next_at = models.DateTimeField()
    """When it is due: the next try while queued, the end of the courier's lease while sending."""
    claim = models.PositiveIntegerField(default=0)
    """Rises with every claim; a courier that lost its lease cannot record over the next one's result."""
    attempts = models.PositiveSmallIntegerField(default=0)
    """Tries that count against the schedule."""
    note = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    """When a receipt said that it has arrived."""
    blanked_at = models.DateTimeField(null=True, blank=True)
    """When address, words and the other side's answers were blanked for their age."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["fact", "person", "purpose"], name="notify_one_per_person"),
            models.CheckConstraint(
                condition=Q(channel=Channel.WEBHOOK, endpoint__isnull=False)
                | (~Q(channel=Channel.WEBHOOK) & Q(endpoint__isnull=True)),
                name="notify_endpoint_if_webhook",
            ),
        )
        indexes = (
            models.Index(
                fields=["channel", "urgency", "next_at"],
                condition=_OPEN & Q(endpoint__isnull=True),
                name="notify_due_person",
            ),
            models.Index(
                fields=["fall_back_at"], condition=Q(fall_back_at__isnull=False), name="notify_fall_back"
            ),
            models.Index(fields=["endpoint", "next_at"], condition=_OPEN, name="notify_due_webhook"),
            models.Index(fields=["person", "next_at"], condition=Q(state=State.HELD), name="notify_held"),
            models.Index(fields=["person", "created_at"], name="notify_person"),
            # Every row is in one of these two: what is to be blanked, and what is to be deleted.
            models.Index(fields=["created_at"], condition=Q(blanked_at__isnull=True), name="notify_whole"),
            models.Index(fields=["created_at"], condition=Q(blanked_at__isnull=False), name="notify_blanked"),
            models.Index(
                fields=["person", "-created_at"], condition=Q(channel=Channel.ROBOT), name="notify_robot"
            ),
        )

    def __str__(self) -> str:
        return f"{self.purpose} {self.waybill} {self.channel}"


class Attempt(models.Model):
    """One try and what came back."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    verdict = models.CharField(max_length=12)
    code = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField(max_length=300, blank=True, default="")
    channel = models.CharField(max_length=10, blank=True, default="")
    provider = models.CharField(max_length=20, blank=True, default="")
    """Who carried it: `aliyun`, `cmpp`, …; empty where the channel has only one."""
    reason = models.CharField(max_length=60, blank=True, default="")
    """The provider's own word for what was wrong."""
    address = EncryptedTextField(blank=True, default="")
    """Where it went, on channels that tell afterwards or can be answered: the message may be on another way by then."""
    address_index = models.CharField(max_length=32, blank=True, default="")
    """Blind index of `address` (domain/callbacks.py), to find who is answering."""
    ref = models.CharField(max_length=100, blank=True, default="")
    """What the provider calls it; its receipt names it."""
    parts = models.PositiveSmallIntegerField(default=1)
    cost_fen = models.PositiveIntegerField(default=0)
    receipt = models.CharField(max_length=10, blank=True, default="")
    """`delivered`, `failed`; empty: none came."""
    receipt_at = models.DateTimeField(null=True, blank=True)
    receipt_note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["provider", "ref"], condition=~Q(ref=""), name="notify_ref"),
            models.Index(
                fields=["address_index", "id"], condition=~Q(address_index=""), name="notify_attempt_to"
            ),
        )

    def __str__(self) -> str:
        return f"{self.verdict} {self.code}"


class ReceiptIn(models.Model):
    """A receipt as it came: it may come before the try is written down, twice, or of a message that is not ours."""

    provider = models.CharField(max_length=20)
    ref = models.CharField(max_length=100)
    delivered = models.BooleanField()
    at = models.DateTimeField()
    code = models.CharField(max_length=40, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")
    gone = models.BooleanField(default=False)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["provider", "ref", "delivered"], name="notify_receipt_once"),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.ref}"


class PersonPreference(models.Model):
    """What a person has said about being told (domain/preferences.py); without a row, as the house does it."""

    person = models.CharField(max_length=60, unique=True)
    channels = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    quiet_from = models.TimeField()
    quiet_until = models.TimeField()
    digests = ArrayField(models.TimeField(), default=list, blank=True)
    off = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    language = models.CharField(max_length=10)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.person


class Inbound(models.Model):
    """What somebody wrote back, as their provider told it; whoever wrote it is known where we have written to that address."""

    provider = models.CharField(max_length=20)
    ref = models.CharField(max_length=100)
    """The provider's name of it: it may be told twice."""
    channel = models.CharField(max_length=10)
    person = models.CharField(max_length=60, blank=True, default="", db_index=True)
    """To whom the newest message to that address was written; empty: nobody we know."""
    waybill = models.CharField(max_length=20, blank=True, default="")
    """What that message was about."""
    address = EncryptedTextField(blank=True, default="")
    text = EncryptedTextField(blank=True, default="")
    unsubscribed = models.BooleanField(default=False)
    """It said nothing but that no more messages are wanted."""
    at = models.DateTimeField()
    received_at = models.DateTimeField(db_index=True)
    blanked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["provider", "ref"], name="notify_inbound_once"),)

    def __str__(self) -> str:
        return f"{self.provider} {self.ref}"


class SmsPart(models.Model):
    """A part of a long SMS that an operator has taken. The message has arrived when receipts say so of all its parts."""

    provider = models.CharField(max_length=20)
    ref = models.CharField(max_length=100)
    """What the operator calls the part; its receipt names it."""
    whole = models.UUIDField()
    """Names the text and the message (channels/operators/kept.py)."""
    number = models.PositiveSmallIntegerField()
    """1, 2, …"""
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "ref"], name="notify_sms_part_once"),)
        indexes = (models.Index(fields=["provider", "whole"], name="notify_sms_whole"),)

    def __str__(self) -> str:
        return f"{self.provider} {self.ref}"


class MessageTemplate(models.Model):
    """How this company says an event on a channel; without a row the default is said (domain/saying.py)."""

    kind = models.CharField(max_length=20)
    channel = models.CharField(max_length=10)
    language = models.CharField(max_length=10)
    text = models.CharField(max_length=500)
    code = models.CharField(max_length=100, blank=True, default="")
    """What the provider calls the template that it has approved."""
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["kind", "channel", "language"], name="notify_one_template"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.language}"


class ClosedWay(models.Model):
    """A way by which a person cannot be reached: an unsubscribed number, somebody who does not follow us any more."""

    person = models.CharField(max_length=60)
    channel = models.CharField(max_length=10)
    address = EncryptedTextField()
    """Another one is open."""
    why = models.CharField(max_length=300, blank=True, default="")
    closed_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "channel"], name="notify_closed_once"),)

    def __str__(self) -> str:
        return f"{self.person} {self.channel}"


class ProviderToken(models.Model):
    """An access token that every process uses: WeChat lets old ones die when a new one is asked for."""

    app = models.CharField(max_length=60, unique=True)
    """Channel and appid, `wechat:wx…`: the token of another appid is another row."""
    token = EncryptedTextField(blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    renew_at = models.DateTimeField(null=True, blank=True)
    """From then on a new one is asked for, while the old one still works."""
    forced_at = models.DateTimeField(null=True, blank=True)
    """When WeChat was last made to give a new one before its time."""

    def __str__(self) -> str:
        return self.app


class WechatPerson(models.Model):
    """By which openid somebody is reached. One openid may be several contacts: the same person on several customers' orders."""

    channel = models.CharField(max_length=10)
    """`wechat` (service account) or `mini`."""
    person = models.CharField(max_length=60, db_index=True)
    """As in `Recipient.person`."""
    openid = EncryptedTextField()
    openid_index = models.CharField(max_length=32)
    """Blind index."""
    seen_at = models.DateTimeField()
    """When we last heard that this way is open: bound, or followed."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["channel", "openid_index", "person"], name="notify_wechat_person_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person} {self.channel}"


class SubscriptionCredit(models.Model):
    """How many messages of a template a person has still agreed to."""

    channel = models.CharField(max_length=10)
    openid = EncryptedTextField()
    openid_index = models.CharField(max_length=32)
    template = models.CharField(max_length=100)
    left = models.PositiveSmallIntegerField(default=0)
    """Acceptances minus messages."""
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.CharField(max_length=10, blank=True, default="")
    """`Source` of the acceptance counted last."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["channel", "openid_index", "template"], name="notify_credit_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.template} {self.left}"


class CallbackSeen(models.Model):
    """What a provider has told us already, and the nonces it has used: forgotten after a day."""

    provider = models.CharField(max_length=20)
    key = models.CharField(max_length=70)
    """`nonce:…` or `message:…`, hashed."""
    digest = models.CharField(max_length=64, blank=True, default="")
    """Of the body that came with a nonce."""
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "key"], name="notify_callback_once"),)

    def __str__(self) -> str:
        return f"{self.provider} {self.key}"


class StaffRobot(models.Model):
    """A robot in a group of staff."""

    name = models.CharField(max_length=40)
    provider = models.CharField(max_length=10, choices=[(one.value, one.value) for one in RobotProvider])
    address = EncryptedTextField()
    """The token in its address; who knows it can write into the group."""
    secret = EncryptedTextField(blank=True, default="")
    kinds = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    """`AlertKind`s; empty: every one."""
    recent = ArrayField(models.DateTimeField(), default=list, blank=True)
    """When it was last written to, as far back as its provider counts."""
    paused_until = models.DateTimeField(null=True, blank=True)
    """Its provider wants nothing from us until then."""
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_why = models.CharField(max_length=100, blank=True, default="")
    removed_at = models.DateTimeField(null=True, blank=True)
    """Removed ones are kept: messages name them."""
    created_at = models.DateTimeField()
    last_ok_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.provider} {self.name}"
