"""Plain makers for notify's tests."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from time import monotonic, sleep
from typing import Any

from zaitu.kernel.principal import Kind, Principal, Right, system
from zaitu.notify import public as notify
from zaitu.notify.domain.ways import Receipt
from zaitu.notify.models import Message

AT = datetime(2026, 11, 22, 7, 20, tzinfo=UTC)
SYSTEM = system("tests")
_numbers = count(1)


def notice(**given: Any) -> notify.Notice:
    number = next(_numbers)
    known: dict[str, Any] = {
        "fact": f"event:{number}",
        "kind": "departed",
        "waybill": "ZT1234567890123",
        "customer_code": None,
        "to": (),
        "params": {
            "place": "武汉中转站",
            "eta": "11月23日 15:20–16:00",
            "link": "https://t.example.cn/t/ZT1",
        },
        "at": AT,
    }
    return notify.Notice(**(known | given))


def recipient(email: str = "lihua@example.cn", person: str = "contact:1") -> notify.Recipient:
    return notify.Recipient(person=person, email=email)


def endpoint(
    url: str, *, customer_code: str = "C001", kinds: frozenset[str] = frozenset()
) -> tuple[notify.EndpointView, str]:
    return notify.endpoint_put(
        actor=SYSTEM, draft=notify.EndpointDraft(customer_code=customer_code, url=url, kinds=kinds)
    )


def receipt(ref: str = "r1", *, delivered: bool = True, **said: Any) -> Receipt:
    return Receipt(ref=ref, delivered=delivered, at=AT, **said)


def key(customer_code: str, *rights: Right) -> Principal:
    return Principal(
        kind=Kind.CUSTOMER_KEY,
        name=f"key-{customer_code}",
        customer_code=customer_code,
        rights=frozenset(rights),
    )


def staff(*rights: Right) -> Principal:
    return Principal(kind=Kind.STAFF, name="xiaowang", user_id=None, rights=frozenset(rights))


def until(what: Callable[[], Any], *, within_s: float = 10) -> Any:
    """Wait for something to be true, and return it; fails after `within_s`."""
    end = monotonic() + within_s
    while not (found := what()):
        assert monotonic() < end, "it did not happen in time"
        sleep(0.02)
    return found


def settled(message: Message) -> bool:
    message.refresh_from_db()
    return message.state not in ("queued", "sending")


def states() -> Mapping[str, str]:
    return dict(Message.objects.values_list("fact", "state"))
