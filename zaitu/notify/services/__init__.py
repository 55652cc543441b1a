"""Writes of notify: messages, endpoints, and the couriers that send."""

from zaitu.notify.services.courier import deliver_until
from zaitu.notify.services.endpoints import (
    endpoint_put,
    endpoint_remove,
    endpoint_secret_renew,
    endpoint_test,
)
from zaitu.notify.services.messages import messages_write, person_forget

__all__ = [
    "deliver_until",
    "endpoint_put",
    "endpoint_remove",
    "endpoint_secret_renew",
    "endpoint_test",
    "messages_write",
    "person_forget",
]
