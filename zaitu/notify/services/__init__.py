"""Writes of notify: messages, endpoints, and the couriers that send."""

from zaitu.notify.services.endpoints import (
    endpoint_put,
    endpoint_remove,
    endpoint_secret_renew,
    endpoint_test,
)
from zaitu.notify.services.messages import messages_write

__all__ = ["endpoint_put", "endpoint_remove", "endpoint_secret_renew", "endpoint_test", "messages_write"]
