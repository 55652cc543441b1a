"""`zaitu terminals`: which devices are let in, which knock, and letting them in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import clock
from zaitu.kernel.errors import ZaituError
from zaitu.kernel.principal import system
from zaitu.telemetry import public as telemetry

_ACTOR = system("zaitu terminals")


class Command(BaseCommand):
    help = "List devices (list, unknown), let one in (add), or forget a registration so that another may register (reset)."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="devices that were let in")
        listing.add_argument("--text", default="", help="part of a number or plate")
        actions.add_parser("unknown", help="devices that spoke and are not let in")
        adding = actions.add_parser("add", help="let a device in")
        adding.add_argument("terminal")
        adding.add_argument("--plate", required=True, help="the vehicle it is in")
        adding.add_argument("--kind", choices=["jt808", "elock", "osmand"], default="jt808")
        adding.add_argument("--profile", default="", help="what its maker means; empty: by its model")
        profile = actions.add_parser("profile", help="say what a terminal's maker means")
        profile.add_argument("terminal")
        profile.add_argument("profile", help=f"{', '.join(telemetry.PROFILES)}; '' for the model's")
        reset = actions.add_parser("reset", help="let the next device with this number register anew")
        reset.add_argument("terminal")

    def handle(self, *, action: str, **options: Any) -> None:
        try:
            for line in getattr(self, f"_{action}")(options):
                self.stdout.write(line)
        except ZaituError as error:
            raise CommandError(error.message) from error

    def _list(self, options: dict[str, Any]) -> list[str]:
        lines, page = [], 1
        while True:
            found = telemetry.terminals_list(actor=_ACTOR, text=options["text"], page=page)
            lines += [
                f"{one.terminal}\t{one.kind}\t{one.plate}\t{one.version or '-'}\t"
                f"{clock.local(one.last_seen_at).isoformat(timespec='seconds') if one.last_seen_at else 'never seen'}"
                for one in found.rows
            ]
            if page >= found.pages:
                return lines
            page += 1

    def _unknown(self, _options: dict[str, Any]) -> list[str]:
        return [
            f"{one.terminal}\t{one.version or '-'}\t{one.maker or '-'}\t{one.reported_plate or '-'}\t"
            f"{clock.local(one.last_seen_at).isoformat(timespec='seconds')}\t{one.attempts} times"
            for one in telemetry.unknown_terminals(actor=_ACTOR)
        ]

    def _add(self, options: dict[str, Any]) -> list[str]:
        token = telemetry.terminal_create(
            actor=_ACTOR,
            terminal=options["terminal"],
            kind=options["kind"],
            plate=options["plate"],
            profile=options["profile"],
        )
        said = [f"{options['terminal']} is in {options['plate']}"]
        return [*said, f"token (shown once): {token}"] if token else said

    def _profile(self, options: dict[str, Any]) -> list[str]:
        name = options["profile"]
        telemetry.terminal_profile_set(actor=_ACTOR, terminal=options["terminal"], profile=name)
        return [f"{options['terminal']} is read as {name or 'its model says'} from its next connection on"]

    def _reset(self, options: dict[str, Any]) -> list[str]:
        telemetry.terminal_reset(actor=_ACTOR, terminal=options["terminal"])
        return [f"{options['terminal']} may register anew"]
