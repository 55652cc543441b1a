"""Writes of notify: messages, endpoints, the couriers that send, and what happens to old messages."""

from zaitu.notify.services.courier import deliver_until
from zaitu.notify.services.endpoints import (
    endpoint_put,
    endpoint_remove,
    endpoint_secret_renew,
    endpoint_switch,
    endpoint_test,
)
from zaitu.notify.services.messages import messages_write, person_forget
from zaitu.notify.services.preferences import LINK, preference_get, preference_put
from zaitu.notify.services.redelivery import redeliver
from zaitu.notify.services.retention import messages_trim
from zaitu.notify.services.ways import way_open

__all__ = [
    "LINK",
    "deliver_until",
    "endpoint_put",
    "endpoint_remove",
    "endpoint_secret_renew",
    "endpoint_switch",
    "endpoint_test",
    "messages_trim",
    "messages_write",
    "person_forget",
    "preference_get",
    "preference_put",
    "redeliver",
    "way_open",
]
