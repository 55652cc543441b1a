"""Send messages in a process of their own: `zaitu couriers`, until SIGTERM or Ctrl-C."""

import functools
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from zaitu.kernel import heartbeat
from zaitu.notify import public


class Command(BaseCommand):
    help = "发送邮件和 Webhook，直到被终止"
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        public.deliver_until(stop, alive=functools.partial(heartbeat.beat, "couriers"))
