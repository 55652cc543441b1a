"""Who is reached by which openid, what they have agreed to, and what WeChat tells us of both."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Model

from zaitu.kernel import clock
from zaitu.kernel.crypto import blind_index, blind_indexes
from zaitu.kernel.errors import Invalid
from zaitu.kernel.principal import system
from zaitu.kernel.rewriting import Plain, Refresh
from zaitu.notify.channels.installed import usable
from zaitu.notify.channels.wechat import callbacks
from zaitu.notify.channels.wechat.agreed import OPENID, message_key
from zaitu.notify.channels.wechat.apps import MINI, WECHAT, App
from zaitu.notify.channels.wechat.receipts import News, Sent, news
from zaitu.notify.domain.callbacks import Call, Taken
from zaitu.notify.domain.delivery import Channel, Verdict
from zaitu.notify.domain.notices import Notice, Recipient
from zaitu.notify.domain.subscriptions import APPS, CREDIT_MOST, Source, acceptance_counts
from zaitu.notify.domain.ways import Receipt
from zaitu.notify.models import Attempt, CallbackSeen, ClosedWay, SubscriptionCredit, WechatPerson
from zaitu.notify.services.ways import receipts_take, way_close, way_open

SIGNING: Final[Mapping[str, App]] = {"wechat": WECHAT, "mini": MINI}
"""Providers whose calls are signed, by the app whose secrets they are signed with."""
_OPENID_MAX: Final = 64
_SEEN_KEEP: Final = timedelta(days=1)
_UNNAMED_WITHIN: Final = timedelta(days=1)
_REPEATED_WITHIN: Final = timedelta(seconds=30)
UNFOLLOWED: Final = "对方取消关注公众号"


# Who


def recipients_bound(notices: Sequence[Notice]) -> list[Notice]:
    """The same notices with the openids of those that are bound to one. One query, and none without WeChat."""
    channels = [channel for channel in APPS if channel in usable()]
    persons = {one.person for notice in notices for one in notice.to}
    bound: dict[tuple[str, str], str] = {}
    if channels and persons:
        # The newest last: whoever has changed phones is reached by the new one.
        for row in WechatPerson.objects.filter(person__in=persons, channel__in=channels).order_by("id"):
            bound[row.person, row.channel] = row.openid
    if not bound:
        return list(notices)
    return [replace(notice, to=tuple(_bound(one, bound) for one in notice.to)) for notice in notices]


def _bound(one: Recipient, bound: Mapping[tuple[str, str], str]) -> Recipient:
    return replace(
        one,
        openid=one.openid or bound.get((one.person, Channel.WECHAT), ""),
        mini_openid=one.mini_openid or bound.get((one.person, Channel.MINI), ""),
    )


def wechat_bind(*, person: str, channel: Channel, openid: str) -> None:
    """This person is reached by this openid, and wants to be; again without effect."""
    _must_be_openid(channel, openid)
    with transaction.atomic():
        known = _persons(channel, openid).filter(person=person)
        if not known.update(seen_at=clock.now()):
            WechatPerson.objects.get_or_create(
                channel=channel,
                person=person,
                openid_index=blind_index(openid, OPENID),
                defaults={"openid": openid, "seen_at": clock.now()},
            )
        way_open(actor=system("notify.wechat"), person=person, channel=channel)


def wechat_unbind(*, person: str) -> None:
    """Nobody knows any more by which openid this person was reached; what only it had agreed to goes too."""
    gone = list(WechatPerson.objects.filter(person=person))
    WechatPerson.objects.filter(person=person).delete()
    for row in gone:
        if not _persons(Channel(row.channel), row.openid).exists():
            _credits(Channel(row.channel), row.openid).delete()


def _persons(channel: Channel, openid: str) -> Any:
    return WechatPerson.objects.filter(channel=channel, openid_index__in=blind_indexes(openid, OPENID))


def _credits(channel: Channel, openid: str) -> Any:
    return SubscriptionCredit.objects.filter(channel=channel, openid_index__in=blind_indexes(openid, OPENID))


def _must_be_openid(channel: Channel, openid: str) -> None:
    if channel not in APPS:
        raise Invalid("没有这种微信渠道", fields={"channel": channel})
    if not openid or len(openid) > _OPENID_MAX or not openid.isascii() or not openid.isprintable():
        raise Invalid("openid 不正确", fields={"openid": "openid 不正确"})


def openids_rewrite() -> dict[type[Model], Refresh]:
    """How the indexes of openids follow from them, for a change of the data key."""
    return {WechatPerson: _indexes, SubscriptionCredit: _indexes}


def _indexes(rows: Mapping[Any, Plain]) -> dict[Any, dict[str, str]]:
    return {pk: {"openid_index": blind_index(row["openid"], OPENID)} for pk, row in rows.items()}


# What they have agreed to


def subscription_accepted(
    *, channel: Channel, openid: str, template: str, at: datetime, source: Source
) -> bool:
    """One more message of this template may be sent; whether it was another acceptance than the last one told."""
    _must_be_openid(channel, openid)
    if not template or len(template) > 100:
        raise Invalid("模板编号不正确", fields={"template": "模板编号不正确"})
    with transaction.atomic():
        row = _credit_locked(channel, openid, template)
        if not acceptance_counts(source=source, at=at, last_source=row.accepted_by, last_at=row.accepted_at):
            return False
        row.left = min(row.left + 1, CREDIT_MOST)
        row.accepted_by, row.accepted_at = source, at
        row.save(update_fields=["left", "accepted_by", "accepted_at"])
    return True


def _credit_locked(channel: Channel, openid: str, template: str) -> SubscriptionCredit:
    mine = _credits(channel, openid).filter(template=template).select_for_update()
    row: SubscriptionCredit | None = mine.first()
    if row is None:
        SubscriptionCredit.objects.get_or_create(
            channel=channel,
            openid_index=blind_index(openid, OPENID),
            template=template,
            defaults={"openid": openid},
        )
        row = mine.get()
    return row


# What WeChat pushes


_PLAIN: Final = "text/plain"
_SUCCESS: Final = Taken(answer="success", content_type=_PLAIN)
_REFUSED: Final = Taken(status=403, content_type=_PLAIN)
_AGAIN: Final = Taken(status=503, content_type=_PLAIN)
"""A message is spoken of that is not written down yet: WeChat tells it again, three times within 15 s."""


def wechat_called(*, provider: str, call: Call) -> Taken:
    """What WeChat is answered (`provider`: of SIGNING). Told again, it changes nothing; forged, nothing either."""
    app = SIGNING[provider]
    return _asked(app, call) if call.method == "GET" else _told(app, provider, call)


def _asked(app: App, call: Call) -> Taken:
    """WeChat asks, when its settings are saved, whether this address is ours."""
    try:
        callbacks.verified(call.query, _secrets(app), now=call.at)
    except callbacks.Forged:
        return _REFUSED
    # It is signed, but echoed it must be no page of somebody's making.
    echo = call.query.get("echostr", "")[:200]
    return Taken(answer="".join(c for c in echo if c.isascii() and c.isalnum()), content_type=_PLAIN)


def _told(app: App, provider: str, call: Call) -> Taken:
    """WeChat pushes one message."""
    now, query, body = call.at, call.query, call.body
    try:
        message = callbacks.opened(query, body, _secrets(app), now=now)
    except callbacks.Forged:
        return _REFUSED
    signed = query.get("msg_signature") or query.get("signature", "")
    nonce = f"nonce:{_hash(signed, query.get('nonce', ''), query.get('timestamp', ''))}"
    digest = hashlib.sha256(body).hexdigest()
    before = CallbackSeen.objects.filter(provider=provider, key=nonce).first()
    if before is not None:
        # The same again is answered as before; something else under a signature that was used is not WeChat's.
        return _SUCCESS if before.digest == digest else _REFUSED
    told = news(message)
    key = f"message:{_hash(told.key)}"
    if not CallbackSeen.objects.filter(provider=provider, key=key).exists():
        receipts = list(_receipts(app, told))
        unknown = {one.receipt.ref for one in told.sent} & {one.ref for one in receipts}
        if unknown and now - told.at < _REPEATED_WITHIN and not _named(app, unknown):
            return _AGAIN
        # Before it counts as heard: should we fall over in between, it is told again, and receipts may be.
        receipts_take(provider=provider, receipts=receipts)
    with transaction.atomic():
        _first(provider, nonce, digest=digest)
        if _first(provider, key):
            _heard(app, told)
    return _SUCCESS


def callbacks_forget() -> int:
    """Forget what was told long ago: an old timestamp is refused anyhow. How many."""
    gone, _ = CallbackSeen.objects.filter(seen_at__lt=clock.now() - _SEEN_KEEP).delete()
    return gone


def agreements_forget() -> int:
    """Forget who agreed to what so long ago that no message about it is kept either. How many."""
    before = clock.now() - timedelta(days=settings.ZAITU_MESSAGE_KEEP_DAYS)
    gone, _ = SubscriptionCredit.objects.filter(accepted_at__lt=before).delete()
    return gone


def _secrets(app: App) -> callbacks.Secrets:
    return callbacks.Secrets(token=app.callback_token, aes_key=app.aes_key, appid=app.appid)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:60]


def _first(provider: str, key: str, *, digest: str = "") -> bool:
    """Whether this is the first time; whoever asks at the same moment waits for the answer."""
    _, made = CallbackSeen.objects.get_or_create(
        provider=provider, key=key, defaults={"digest": digest, "seen_at": clock.now()}
    )
    return made


def _heard(app: App, told: News) -> None:
    """What it changes beside receipts."""
    if not told.openid:
        return
    for template in told.accepted:
        subscription_accepted(
            channel=app.channel, openid=told.openid, template=template, at=told.at, source=Source.EVENT
        )
    if told.refused:
        _credits(app.channel, told.openid).filter(template__in=told.refused).update(left=0)
    if told.follows is not None:
        _follow(app.channel, told.openid, told.at, follows=told.follows)


def _follow(channel: Channel, openid: str, at: datetime, *, follows: bool) -> None:
    """Events may come late and in any order: what happened last counts."""
    known = _persons(channel, openid)
    if follows:
        closed = ClosedWay.objects.filter(person__in=known.values("person"), channel=channel)
        closed.filter(closed_at__lte=at).delete()
        known.filter(seen_at__lt=at).update(seen_at=at)
        return
    for person in known.filter(seen_at__lt=at).values_list("person", flat=True):
        way_close(person=person, channel=channel, address=openid, why=UNFOLLOWED)
        ClosedWay.objects.filter(person=person, channel=channel).update(closed_at=at)


def _receipts(app: App, told: News) -> Iterator[Receipt]:
    yield from told.receipts
    for one in told.sent:
        unnamed = "" if _named(app, {one.receipt.ref}) else _unnamed(app, one, told.openid)
        yield replace(one.receipt, ref=unnamed or one.receipt.ref)


def _named(app: App, refs: Collection[str]) -> bool:
    """Whether WeChat has given one of our tries this name."""
    return Attempt.objects.filter(provider=app.channel, ref__in=[ref for ref in refs if ref]).exists()


def _unnamed(app: App, one: Sent, openid: str) -> str:
    """What the oldest try of this template to this person is called that WeChat has not named nor spoken of; empty: none."""
    tries = Attempt.objects.filter(
        provider=app.channel,
        verdict=Verdict.TAKEN,
        ref__startswith=message_key(app.channel, openid, one.template),
        receipt="",
        at__gte=one.receipt.at - _UNNAMED_WITHIN,
    )
    return tries.order_by("id").values_list("ref", flat=True).first() or ""
