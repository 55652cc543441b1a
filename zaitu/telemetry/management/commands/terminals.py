"""`zaitu terminals`: which devices are let in, which knock, letting them in, and asking them for something."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import clock
from zaitu.kernel.errors import Conflict, Invalid, NotFound, ZaituError
from zaitu.kernel.principal import system
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.public import CommandKind, CommandView, TerminalView, UnknownTerminalView

_ACTOR: Final = system("zaitu terminals")
_LOOK_S: Final = 0.5
_HEARD: Final[Mapping[str, bool | None]] = {"all": None, "heard": False, "silent": True}
_ADVICE: Final[tuple[tuple[type[ZaituError], str], ...]] = (
    (NotFound, "`zaitu terminals list` shows the devices that were let in, `unknown` those that were not"),
    (Conflict, "`zaitu terminals show NUMBER` shows it as it is"),
    (Invalid, "`zaitu terminals --help` shows what is expected"),
)


class Command(BaseCommand):
    help = (
        "Devices: list, search, show, unknown; let one in (add, adopt), or forget its registration (reset); "
        "ask one for something (send) and see what became of it (commands)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="devices that were let in")
        listing.add_argument("--text", default="", help="part of a number or plate")
        listing.add_argument(
            "--only", choices=list(_HEARD), default="all", help="heard within ten minutes, or silent"
        )
        searching = actions.add_parser("search", help="devices let in or not, by part of a number or plate")
        searching.add_argument("text")
        showing = actions.add_parser("show", help="one device, with what it sent in the last 24 hours")
        showing.add_argument("terminal")
        unknown = actions.add_parser("unknown", help="devices that spoke and are not let in")
        adding = actions.add_parser("add", help="let a device in before it has spoken, or a phone")
        adding.add_argument("terminal")
        adding.add_argument("--plate", required=True, help="the vehicle it is in")
        adding.add_argument("--kind", choices=telemetry.TERMINAL_KINDS, default="jt808")
        adding.add_argument("--profile", default="", help="what its maker means; empty: by its model")
        profile = actions.add_parser("profile", help="say what a terminal's maker means")
        profile.add_argument("terminal")
        profile.add_argument("profile", help=f"{', '.join(telemetry.PROFILES)}; '' for the model's")
        adopting = actions.add_parser("adopt", help="let in a device that has spoken")
        adopting.add_argument("terminal")
        adopting.add_argument("--plate", default="", help="the vehicle it is in (default: as it says itself)")
        reset = actions.add_parser("reset", help="let the next device with this number register anew")
        reset.add_argument("terminal")
        sending = actions.add_parser("send", help="ask a device: send 13900001234 text '请走 G42'")
        sending.add_argument("terminal")
        sending.add_argument("kind", choices=[kind.value for kind in CommandKind])
        sending.add_argument(
            "parameters",
            nargs="*",
            help="name=value; of a text the words alone, shown and read aloud unless display= or speak= is given",
        )
        sending.add_argument(
            "--wait", type=float, default=0.0, metavar="S", help="seconds to wait for the end"
        )
        history = actions.add_parser("commands", help="what a device was asked lately")
        history.add_argument("terminal")
        for one in (listing, searching, showing, unknown, sending, history):
            one.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *, action: str, **options: Any) -> None:
        try:
            for line in getattr(self, f"_{action}")(options):
                self.stdout.write(line)
        except ZaituError as error:
            advice = next((said for kind, said in _ADVICE if isinstance(error, kind)), "")
            wrong = getattr(error, "fields", {})
            message = "" if error.message in wrong.values() else error.message
            fields = [f"{name}: {text}" for name, text in wrong.items()]
            raise CommandError("; ".join(filter(None, [message, *fields, advice]))) from error

    def _list(self, options: dict[str, Any]) -> Iterator[str]:
        return _lines(
            _let_in(options["text"], _HEARD[options["only"]]), _terminal_line, as_json=options["json"]
        )

    def _search(self, options: dict[str, Any]) -> Iterator[str]:
        text = options["text"].strip()
        yield from _lines(_let_in(text, None), _terminal_line, as_json=options["json"])
        strangers = [
            one
            for one in telemetry.unknown_terminals(actor=_ACTOR)
            if text in one.terminal or text.upper() in one.reported_plate.upper()
        ]
        yield from _lines(strangers, _unknown_line, as_json=options["json"])

    def _show(self, options: dict[str, Any]) -> Iterator[str]:
        one = telemetry.terminal_view(actor=_ACTOR, terminal=telemetry.terminal_normal(options["terminal"]))
        counts = telemetry.terminal_counts(actor=_ACTOR, terminal=options["terminal"])
        told = {**asdict(one), "last_24_hours": asdict(counts)}
        if options["json"]:
            yield _json(told)
            return
        for name, value in asdict(one).items():
            yield f"{name}\t{_word(value)}"
        for name, value in asdict(counts).items():
            yield f"{name}\t{value}"

    def _unknown(self, options: dict[str, Any]) -> Iterator[str]:
        return _lines(telemetry.unknown_terminals(actor=_ACTOR), _unknown_line, as_json=options["json"])

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

    def _adopt(self, options: dict[str, Any]) -> list[str]:
        number = telemetry.terminal_normal(options["terminal"])
        found = [one for one in telemetry.unknown_terminals(actor=_ACTOR) if one.terminal == number]
        if not found:
            raise CommandError(
                f"{number} is not among the devices that have spoken; `zaitu terminals unknown` lists them, "
                "`zaitu terminals add` lets one in beforehand"
            )
        plate = options["plate"] or found[0].reported_plate
        if not plate:
            raise CommandError(f"{number} does not say its plate; name the vehicle with --plate")
        telemetry.terminal_adopt(actor=_ACTOR, terminal=number, plate=plate)
        return [f"{number} is in {plate}"]

    def _profile(self, options: dict[str, Any]) -> list[str]:
        name = options["profile"]
        telemetry.terminal_profile_set(actor=_ACTOR, terminal=options["terminal"], profile=name)
        return [f"{options['terminal']} is read as {name or 'its model says'} from its next connection on"]

    def _reset(self, options: dict[str, Any]) -> list[str]:
        telemetry.terminal_reset(actor=_ACTOR, terminal=options["terminal"])
        return [f"{options['terminal']} may register anew"]

    def _send(self, options: dict[str, Any]) -> Iterator[str]:
        kind, terminal = options["kind"], options["terminal"]
        sent = telemetry.command_send(
            actor=_ACTOR, terminal=terminal, kind=kind, parameters=_parameters(kind, options["parameters"])
        )
        until_s = time.monotonic() + options["wait"]
        while sent.open and time.monotonic() < until_s:
            time.sleep(_LOOK_S)
            page = telemetry.command_list(actor=_ACTOR, terminal=terminal)
            sent = next((one for one in page.rows if one.id == sent.id), sent)
        return _lines([sent], _command_line, as_json=options["json"])

    def _commands(self, options: dict[str, Any]) -> Iterator[str]:
        telemetry.terminal_view(actor=_ACTOR, terminal=telemetry.terminal_normal(options["terminal"]))
        page = telemetry.command_list(actor=_ACTOR, terminal=options["terminal"])
        return _lines(page.rows, _command_line, as_json=options["json"])


def _let_in(text: str, silent: bool | None) -> Iterator[TerminalView]:  # noqa: FBT001  a third state
    page = 1
    while True:
        found = telemetry.terminals_list(actor=_ACTOR, text=text, page=page, silent=silent)
        yield from found.rows
        if page >= found.pages:
            return
        page += 1


def _parameters(kind: str, words: list[str]) -> dict[str, Any]:
    if kind == "text":
        named = {name: value for name, sign, value in map(_pair, words) if sign and name in _SHOWS}
        text = " ".join(word for word in words if _pair(word)[0] not in _SHOWS)
        return {"text": text.removeprefix("text="), "display": "1", "speak": "1", **named}
    wrong = [word for word in words if not _pair(word)[1]]
    if wrong:
        raise CommandError(f"{wrong[0]!r} is not name=value, such as heartbeat_s=30")
    told: dict[str, Any] = {name: value for name, _, value in map(_pair, words)}
    if "names" in told:
        told["names"] = told["names"].split(",")
    return told


_SHOWS: Final = ("display", "speak", "urgent")


def _pair(word: str) -> tuple[str, str, str]:
    return word.partition("=")


def _lines(rows: Iterable[Any], line: Any, *, as_json: bool) -> Iterator[str]:
    return (_json(asdict(row)) if as_json else line(row) for row in rows)


def _terminal_line(one: TerminalView) -> str:
    seen = _word(one.last_seen_at) if one.last_seen_at else "never seen"
    return f"{one.terminal}\t{one.kind}\t{one.plate}\t{one.version or '-'}\t{seen}"


def _unknown_line(one: UnknownTerminalView) -> str:
    return (
        f"{one.terminal}\t{one.version or '-'}\t{one.maker or '-'}\t{one.reported_plate or '-'}\t"
        f"{_word(one.last_seen_at)}\t{one.attempts} times"
    )


def _command_line(one: CommandView) -> str:
    answer = json.dumps(one.answer, ensure_ascii=False) if one.answer else "-"
    return f"{one.id}\t{_word(one.asked_at)}\t{one.kind}\t{one.state}\t{one.why or '-'}\t{answer}"


def _word(value: Any) -> str:
    if isinstance(value, datetime):
        return clock.local(value).isoformat(timespec="seconds")
    return "-" if value in {None, ""} else str(value)


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, default=_word)
