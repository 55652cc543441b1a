"""`zaitu worker`: takes events from the outbox to the handlers of config/wiring.py."""

import functools
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from zaitu.config.wiring import SUBSCRIPTIONS
from zaitu.kernel import heartbeat
from zaitu.kernel.relay import Relay


class Command(BaseCommand):
    help = "处理各模块发出的事件"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        Relay(SUBSCRIPTIONS).run(stop, alive=functools.partial(heartbeat.beat, "worker"))
