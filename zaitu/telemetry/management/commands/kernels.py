"""`zaitu kernels`: compile what the gateway computes with, half a minute that its first start need not take then."""

from typing import Any

from django.core.management.base import BaseCommand

from zaitu.kernel import clock
from zaitu.telemetry.kernels import kept


class Command(BaseCommand):
    help = "Compile the kernels of this version unless they are there; as the user who runs Zaitu, who else could not use them."
    requires_system_checks = ()

    def handle(self, **_: Any) -> None:
        if not kept.is_whole(kept.folder()):
            from zaitu.telemetry.gateway.warm import kernels_warm  # noqa: PLC0415  loads the compiler

            kernels_warm(clock.now(), engine=True)
