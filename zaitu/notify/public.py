"""The contract of notify: tell people a fact, see what became of it, and look after webhook endpoints."""

import threading
from collections.abc import Callable, Iterator, Sequence

from zaitu.customers.events import ContactErased
from zaitu.kernel.errors import Forbidden, NotFound
from zaitu.kernel.pages import Page
from zaitu.kernel.principal import Kind as Who
from zaitu.kernel.principal import Principal, Right
from zaitu.kernel.rewriting import Batch, must_be_the_house, rows_rewrite
from zaitu.notify import selectors, services
from zaitu.notify.adapters.addresses import preferences_person
from zaitu.notify.channels.installed import usable
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.endpoints import EndpointDraft
from zaitu.notify.domain.notices import DATA, PARAMS, Kind, Notice, Recipient
from zaitu.notify.domain.preferences import Preference, Topic
from zaitu.notify.domain.views import AttemptView, EndpointView, MessageView, PreferenceView

__all__ = [
    "DATA",
    "PARAMS",
    "AttemptView",
    "Channel",
    "EndpointDraft",
    "EndpointView",
    "Kind",
    "MessageView",
    "Notice",
    "Preference",
    "PreferenceView",
    "Recipient",
    "Topic",
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
    "keys_rewrite",
    "messages_of",
    "messages_trim",
    "on_contact_erased",
    "preference_by_link",
    "preference_of",
    "preference_put",
    "preference_put_by_link",
    "redeliver",
    "tell",
    "tell_many",
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


def _must_be_a_person(person: str) -> None:
    if not person.startswith("contact:"):
        raise NotFound("没有这个收件人")


def on_contact_erased(event: ContactErased) -> None:
    """Blank where and what an erased person was told. Runs again without effect."""
    services.person_forget(person=event.subject)


def keys_rewrite(*, actor: Principal) -> Iterator[Batch]:
    """Write messages and endpoints anew under the newest data key; may stop anywhere and be called again. Raises Forbidden."""
    must_be_the_house(actor)
    return rows_rewrite("notify")


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
