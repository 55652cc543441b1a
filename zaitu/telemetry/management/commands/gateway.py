"""`zaitu gateway`: the JT/T 808 gateway, until SIGTERM or SIGINT."""

import asyncio
import gc
import resource
import signal
import ssl
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.telemetry.domain.stream import Unusable
from zaitu.telemetry.gateway.server import Gateway, Setup


class Command(BaseCommand):
    help = "Listen for JT/T 808 terminals over TCP and store what they report."
    requires_system_checks = ()  # they load all pages' code, which stays: 15 MB

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.ZAITU_JT808_HOST)
        parser.add_argument("--port", type=int, default=settings.ZAITU_JT808_PORT)
        parser.add_argument(
            "--elock-port",
            type=int,
            default=settings.ZAITU_ELOCK_PORT,
            help="of locks with languages of their own; 0: none",
        )
        parser.add_argument(
            "--number",
            type=int,
            default=1,
            help="of the gateways of this machine; the first stores what all hear",
        )

    def handle(self, *, host: str, port: int, elock_port: int, number: int, **_: Any) -> None:
        files_raised()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(self._serve(host, port, elock_port or None, number))
            except Unusable as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                raise CommandError(
                    f"cannot listen on {host}:{port} or {elock_port}: {error.strerror or error}"
                ) from error

    async def _serve(self, host: str, port: int, elock_port: int | None, number: int) -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        gateway = Gateway(
            Setup(
                tick_s=settings.ZAITU_TICK_MS / 1000,
                bus_path=settings.ZAITU_BUS_PATH,
                front=settings.ZAITU_GATEWAY_FRONT,
                elock_port=elock_port,
                tls=_tls(),
                number=number,
            )
        )
        await gateway.start(host, port)
        # What was loaded stays: the collector need not walk through a fleet again and again.
        gc.collect()
        gc.freeze()
        self.stdout.write(f"gateway listens on {host}:{gateway.port}")
        self.stdout.flush()
        await gateway.run(stop)


def files_raised() -> None:
    """As many files as we may have: each terminal is one, and systems begin with 1,024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tls() -> ssl.SSLContext | None:
    certificate, key = settings.ZAITU_JT808_TLS
    if certificate is None:
        return None
    if settings.ZAITU_GATEWAY_FRONT != "uvloop":
        raise CommandError("ZAITU_JT808_TLS_CERTIFICATE needs ZAITU_GATEWAY_FRONT=uvloop")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError among them
        raise CommandError(f"the terminals' certificate cannot be used: {certificate}: {error}") from error
    return context
