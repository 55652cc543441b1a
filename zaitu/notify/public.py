"""The contract of notify: tell people a fact, see what became of it, and look after how they are told."""

import threading
from collections.abc import Callable, Iterator, Sequence

from zaitu.customers.events import ContactErased
from zaitu.kernel import clock
from zaitu.kernel.errors import Forbidden, Invalid, NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house
from zaitu.notify import selectors, services
from zaitu.notify.adapters.addresses import preferences_person
from zaitu.notify.channels.installed import usable
from zaitu.notify.domain.alerts import ALERT_TEXTS, Alert, AlertKind, RobotDraft, RobotView
from zaitu.notify.domain.callbacks import BODY_MAX, Call, Taken
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.endpoints import ENDPOINT_KINDS, EndpointDraft
from zaitu.notify.domain.notices import DATA, PARAMS, Kind, Notice, Recipient
from zaitu.notify.domain.preferences import Preference, Topic
from zaitu.notify.domain.saying import VARIABLES
from zaitu.notify.domain.subscriptions import Source
from zaitu.notify.domain.templates import TemplateDraft, TemplatePreview, TemplateView
from zaitu.notify.domain.views import (
    AttemptView,
    CallbackView,
    EndpointView,
    InboundView,
    MessageView,
    PreferenceView,
)
from zaitu.notify.domain.ways import Urgency

__all__ = [
    "ALERT_TEXTS",
    "BODY_MAX",
    "DATA",
    "ENDPOINT_KINDS",
    "PARAMS",
    "VARIABLES",
    "Alert",
    "AlertKind",
    "AttemptView",
    "Call",
    "CallbackView",
    "Channel",
    "EndpointDraft",
    "EndpointView",
    "InboundView",
    "Kind",
    "MessageView",
    "Notice",
    "Preference",
    "PreferenceView",
    "Recipient",
    "RobotDraft",
    "RobotView",
    "Taken",
    "TemplateDraft",
    "TemplatePreview",
    "TemplateView",
    "Topic",
    "Urgency",
    "alert_staff",
    "callback_take",
    "callbacks_list",
    "channels_usable",
    "deliver_until",
    "deliveries_of",
    "endpoint_get",
    "endpoint_put",
    "endpoint_remove",
    "endpoint_secret_renew",
    "endpoint_switch",
    "endpoint_test",
    "endpoints_list",
    "inbound_get",
    "keys_rewrite",
    "messages_of",
    "messages_trim",
    "on_contact_erased",
    "preference_by_link",
    "preference_of",
    "preference_put",
    "preference_put_by_link",
    "redeliver",
    "robot_add",
    "robot_get",
    "robot_messages",
    "robot_remove",
    "robot_switch",
    "robot_test",
    "robots_list",
    "subscription_accepted",
    "tell",
    "tell_many",
    "template_get",
    "template_preview",
    "template_put",
    "template_reset",
    "templates_list",
    "way_open",
    "wechat_bind",
]


def channels_usable() -> frozenset[Channel]:
    """By which channels messages leave this installation now. No secret, and nobody is asked."""
    return usable()


def tell(*, actor: Principal, notice: Notice) -> None:
    """Write the messages of one fact, in the caller's transaction; couriers send them after commit.

    Telling the same fact again writes nothing. Whoever may cause the fact may have it told: a customer's key only
    about that customer, a link holder only about its shipment, a stranger nothing. Raises Invalid for an unknown kind.
    """
    tell_many(actor=actor, notices=[notice])


def tell_many(*, actor: Principal, notices: Sequence[Notice]) -> None:
    """As `tell`, for many facts at once (a truck departs with 200 shipments): five queries in all."""
    for notice in notices:
        _may_tell(actor, notice)
    services.messages_write(notices=notices)


def deliver_until(stop: threading.Event, *, alive: Callable[[], None] = lambda: None) -> None:
    """Send what is due until `stop` is set; blocks. Any number of processes may do so at once.

    `alive` is called about once a second while everything works. Raises RuntimeError when a part of it has broken.
    """
    services.deliver_until(stop, alive=alive)


def messages_of(*, actor: Principal, waybill: str) -> list[MessageView]:
    """Every message about a shipment, newest first, addresses masked; a customer's key sees its own endpoints' only."""
    actor.must(Right.MESSAGES_READ)
    return selectors.messages_of(waybill=waybill, customer_code=actor.customer_code)


def messages_trim(*, actor: Principal) -> tuple[int, int]:
    """Blank and delete what has passed its days (ZAITU_MESSAGE_BLANK_DAYS, …_KEEP_DAYS): (blanked, deleted). The system only."""
    if actor.kind is not Who.SYSTEM:
        raise Forbidden("只由系统执行")
    return services.messages_trim()


def endpoint_put(*, actor: Principal, draft: EndpointDraft) -> tuple[EndpointView, str]:
    """Make or change a webhook endpoint; a changed one is switched on again.

    Returns the view and the `whsec_…` secret, which is shown only now ("" when an endpoint was changed).
    Raises Invalid, NotFound (not there or another customer's), RuleBroken (more than 10 for one customer).
    """
    _must_manage(actor, draft.customer_code)
    return services.endpoint_put(actor=actor, draft=draft)


def endpoint_secret_renew(*, actor: Principal, endpoint_id: int) -> str:
    """A new `whsec_…` secret, from the next try on. Raises NotFound."""
    actor.must(Right.WEBHOOKS_MANAGE)
    return services.endpoint_secret_renew(actor=actor, endpoint_id=endpoint_id)


def endpoints_list(*, actor: Principal, customer_code: str = "") -> list[EndpointView]:
    """Endpoints of one customer, or of all (staff)."""
    actor.must(Right.WEBHOOKS_MANAGE)
    return selectors.endpoints(customer_code=actor.customer_code or customer_code)


def endpoint_get(*, actor: Principal, endpoint_id: int) -> EndpointView:
    """Raises Forbidden, NotFound (not there or another customer's)."""
    actor.must(Right.WEBHOOKS_MANAGE)
    return selectors.endpoint(endpoint_id=endpoint_id, customer_code=actor.customer_code or "")


def endpoint_switch(*, actor: Principal, endpoint_id: int, active: bool) -> EndpointView:
    """Switch an endpoint off (what waits for it is given up) or on again; twice without effect. Raises Forbidden, NotFound."""
    actor.must(Right.WEBHOOKS_MANAGE)
    return services.endpoint_switch(actor=actor, endpoint_id=endpoint_id, active=active)


def deliveries_of(*, actor: Principal, endpoint_id: int, page: int = 1) -> Page[MessageView]:
    """What was sent to an endpoint in the last 7 days with every try, newest first, 50 a page. Raises Forbidden, NotFound."""
    found = endpoint_get(actor=actor, endpoint_id=endpoint_id)
    return selectors.deliveries(endpoint_id=found.id, page=max(1, page))


def redeliver(*, actor: Principal, endpoint_id: int, message_id: str) -> MessageView:
    """Send a message once more, under the same id, with a whole schedule of tries before it.

    Raises Forbidden, NotFound (endpoint or message not there, or another customer's), RuleBroken (still being sent, endpoint
    switched off, words blanked for their age).
    """
    actor.must(Right.WEBHOOKS_MANAGE)
    return services.redeliver(actor=actor, endpoint_id=endpoint_id, message_id=message_id)


def endpoint_remove(*, actor: Principal, endpoint_id: int) -> None:
    """Take an endpoint away; what still waited for it is given up. Raises NotFound."""
    actor.must(Right.WEBHOOKS_MANAGE)
    services.endpoint_remove(actor=actor, endpoint_id=endpoint_id)


def endpoint_test(*, actor: Principal, endpoint_id: int) -> MessageView:
    """Queue one test message, sent as any other but tried only once.

    Raises NotFound, RuleBroken (switched off, or the last test is still on its way).
    """
    actor.must(Right.WEBHOOKS_MANAGE)
    return services.endpoint_test(actor=actor, endpoint_id=endpoint_id)


def preference_by_link(*, token: str) -> PreferenceView:
    """What the person wants in whose message this address stood. Whoever has it may. Raises NotFound: altered or expired."""
    return services.preference_get(preferences_person(token))


def preference_put_by_link(*, token: str, wanted: Preference) -> Preference:
    """As the person says by that address. Raises NotFound, Invalid naming every wrong field."""
    person = preferences_person(token)
    actor = Principal(kind=Who.LINK, name=services.LINK)
    return services.preference_put(actor=actor, person=person, wanted=wanted)


def preference_of(*, actor: Principal, person: str) -> PreferenceView:
    """For staff who speak with the person (`Recipient.person`, as in `MessageView.person`)."""
    actor.must(Right.CUSTOMERS_READ)
    _must_be_a_person(person)
    return services.preference_get(person)


def preference_put(*, actor: Principal, person: str, wanted: Preference) -> Preference:
    """As the person has told staff. Raises Forbidden, NotFound, Invalid naming every wrong field."""
    actor.must(Right.CUSTOMERS_EDIT)
    if actor.customer_code is not None:
        raise Forbidden("只由员工代为设置")
    _must_be_a_person(person)
    return services.preference_put(actor=actor, person=person, wanted=wanted)


def way_open(*, actor: Principal, person: str, channel: Channel) -> None:
    """Reach this person by a channel again that they had closed, as they have told staff. Twice without effect."""
    actor.must(Right.CUSTOMERS_EDIT)
    if actor.customer_code is not None:
        raise Forbidden("只由员工代为设置")
    _must_be_a_person(person)
    services.way_open(actor=actor, person=person, channel=channel)


def _must_be_a_person(person: str) -> None:
    if not person.startswith("contact:"):
        raise NotFound("没有这个收件人")


# What comes back


def callback_take(*, provider: str, token: str, call: Call) -> Taken:
    """Let what a provider tells at our own door work; returns what it expects to hear. May be told again, in any order.

    Whoever has the secret path, or signs, is the provider; all others get NotFound, whatever they ask for.
    """
    return services.callback_take(provider=provider, token=token, call=call)


def callbacks_list(*, actor: Principal) -> list[CallbackView]:
    """Where the providers in use shall call. For staff that looks after webhooks; raises Forbidden."""
    actor.must(Right.WEBHOOKS_MANAGE)
    if actor.customer_code is not None:
        raise Forbidden("只有员工可以查看回执地址")
    return services.callbacks_list()


def inbound_get(*, actor: Principal, inbound_id: int) -> InboundView:
    """What somebody wrote back, its address masked. Raises Forbidden, NotFound."""
    actor.must(Right.MESSAGES_READ)
    if actor.customer_code is not None:
        raise Forbidden("只有员工可以查看回复")
    return selectors.inbound(inbound_id=inbound_id)


# Templates


def templates_list(*, actor: Principal) -> list[TemplateView]:
    """How each event is said on each channel that says one sentence. Raises Forbidden."""
    actor.must(Right.TEMPLATES_EDIT)
    return services.templates_list()


def template_get(*, actor: Principal, channel: str, kind: str) -> TemplateView:
    """Raises Forbidden, NotFound."""
    actor.must(Right.TEMPLATES_EDIT)
    return services.template_get(channel=channel, kind=kind)


def template_preview(*, actor: Principal, draft: TemplateDraft) -> TemplatePreview:
    """What a person would read, with example values; nothing is kept. Raises Forbidden, NotFound, Invalid."""
    actor.must(Right.TEMPLATES_EDIT)
    return services.template_preview(draft=draft)


def template_put(*, actor: Principal, draft: TemplateDraft) -> TemplateView:
    """Say it so from the next message on. Raises Forbidden, NotFound, Invalid with the fields `text` and `code`."""
    actor.must(Right.TEMPLATES_EDIT)
    return services.template_put(actor=actor, draft=draft)


def template_reset(*, actor: Principal, channel: str, kind: str) -> TemplateView:
    """Back to the default. Raises Forbidden, NotFound."""
    actor.must(Right.TEMPLATES_EDIT)
    return services.template_reset(actor=actor, channel=channel, kind=kind)


def on_contact_erased(event: ContactErased) -> None:
    """Blank where and what an erased person was told. Runs again without effect."""
    services.person_forget(person=event.subject)


def wechat_bind(*, actor: Principal, person: str, channel: str, openid: str) -> None:
    """From now on this person (`contact:12`) is also reached by this openid; again without effect.

    The system only: whoever calls has made sure of the openid with WeChat. `channel`: `wechat` or `mini`. Raises Forbidden, Invalid.
    """
    _must_be_system(actor)
    services.wechat_bind(person=person, channel=_channel(channel), openid=openid)


def subscription_accepted(*, actor: Principal, channel: str, openid: str, template: str) -> bool:
    """Somebody has just agreed to one message of a template, on our page. The system only, as `wechat_bind`.

    WeChat tells the same by an event: both together count once, and False says that it was counted. Raises Forbidden, Invalid.
    """
    _must_be_system(actor)
    return services.subscription_accepted(
        channel=_channel(channel), openid=openid, template=template, at=clock.now(), source=Source.PAGE
    )


def alert_staff(*, actor: Principal, alert: Alert) -> int:
    """Tell staff something in their groups, in the caller's transaction; how many robots want it.

    The same fact again writes nothing. Staff and the system only. Raises Forbidden, Invalid.
    """
    if actor.kind not in {Who.SYSTEM, Who.STAFF}:
        raise Forbidden("无权提醒工作人员")
    return services.alert_staff(alert=alert)


def robots_list(*, actor: Principal) -> list[RobotView]:
    """Raises Forbidden."""
    actor.must(Right.ROBOTS_MANAGE)
    return selectors.robots()


def robot_get(*, actor: Principal, robot_id: int) -> RobotView:
    """Raises Forbidden, NotFound."""
    actor.must(Right.ROBOTS_MANAGE)
    return selectors.robot(robot_id=robot_id)


def robot_messages(*, actor: Principal, robot_id: int) -> list[MessageView]:
    """What it was told in the last 7 days with every try, newest first, at most 50. Raises Forbidden, NotFound."""
    robot_get(actor=actor, robot_id=robot_id)
    return selectors.robot_messages(robot_id=robot_id)


def robot_add(*, actor: Principal, draft: RobotDraft) -> RobotView:
    """Raises Forbidden, Invalid, RuleBroken (there are 20)."""
    actor.must(Right.ROBOTS_MANAGE)
    return services.robot_add(actor=actor, draft=draft)


def robot_switch(*, actor: Principal, robot_id: int, active: bool) -> RobotView:
    """Switch it off (what waits for it is given up) or on again; twice without effect. Raises Forbidden, NotFound."""
    actor.must(Right.ROBOTS_MANAGE)
    return services.robot_switch(actor=actor, robot_id=robot_id, active=active)


def robot_remove(*, actor: Principal, robot_id: int) -> None:
    """Raises Forbidden, NotFound."""
    actor.must(Right.ROBOTS_MANAGE)
    services.robot_remove(actor=actor, robot_id=robot_id)


def robot_test(*, actor: Principal, robot_id: int) -> None:
    """Queue one test message. Raises Forbidden, NotFound, RuleBroken (switched off, or the last one is still on its way)."""
    actor.must(Right.ROBOTS_MANAGE)
    services.robot_test(actor=actor, robot_id=robot_id)


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write messages and endpoints anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return services.keys_rewrite()


def _must_be_system(actor: Principal) -> None:
    if actor.kind is not Who.SYSTEM:
        raise Forbidden("只由系统执行")


def _channel(name: str) -> Channel:
    try:
        return Channel(name)
    except ValueError:
        raise Invalid("没有这种渠道", fields={"channel": name[:20]}) from None


def _may_tell(actor: Principal, notice: Notice) -> None:
    own = {
        Who.ANYONE: False,
        Who.PARTNER_KEY: False,
        Who.CUSTOMER_KEY: actor.customer_code == notice.customer_code,
        Who.LINK: actor.waybill == notice.waybill,
    }
    if not own.get(actor.kind, True):
        raise Forbidden("无权发送这条通知")


def _must_manage(actor: Principal, customer_code: str) -> None:
    actor.must(Right.WEBHOOKS_MANAGE)
    if actor.customer_code is not None and actor.customer_code != customer_code:
        raise Forbidden("只能管理自己的 Webhook")
