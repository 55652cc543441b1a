"""Writes of notify: messages, endpoints, templates, the couriers that send, what comes back, and what happens to old messages."""

from zaitu.notify.services.callbacks import callback_take, callbacks_list
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
from zaitu.notify.services.rewriting import keys_rewrite
from zaitu.notify.services.robots import alert_staff, robot_add, robot_remove, robot_switch, robot_test
from zaitu.notify.services.templates import (
    template_get,
    template_preview,
    template_put,
    template_reset,
    templates_list,
)
from zaitu.notify.services.ways import way_open
from zaitu.notify.services.wechat import subscription_accepted, wechat_bind

__all__ = [
    "LINK",
    "alert_staff",
    "callback_take",
    "callbacks_list",
    "deliver_until",
    "endpoint_put",
    "endpoint_remove",
    "endpoint_secret_renew",
    "endpoint_switch",
    "endpoint_test",
    "keys_rewrite",
    "messages_trim",
    "messages_write",
    "person_forget",
    "preference_get",
    "preference_put",
    "redeliver",
    "robot_add",
    "robot_remove",
    "robot_switch",
    "robot_test",
    "subscription_accepted",
    "template_get",
    "template_preview",
    "template_put",
    "template_reset",
    "templates_list",
    "way_open",
    "wechat_bind",
]
