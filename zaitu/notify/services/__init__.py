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
from zaitu.notify.services.redelivery import redeliver
from zaitu.notify.services.retention import messages_trim
from zaitu.notify.services.robots import alert_staff, robot_add, robot_remove, robot_switch, robot_test
from zaitu.notify.services.wechat import (
    openids_rewrite,
    subscription_accepted,
    wechat_bind,
    wechat_called,
)

__all__ = [
    "alert_staff",
    "deliver_until",
    "endpoint_put",
    "endpoint_remove",
    "endpoint_secret_renew",
    "endpoint_switch",
    "endpoint_test",
    "messages_trim",
    "messages_write",
    "openids_rewrite",
    "person_forget",
    "redeliver",
    "robot_add",
    "robot_remove",
    "robot_switch",
    "robot_test",
    "subscription_accepted",
    "wechat_bind",
    "wechat_called",
]
