"""`zaitu decode jt808 [FILE]`: hexadecimal frames in, one JSON object a line out. Needs no database."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import clock
from zaitu.telemetry.codecs.jt808.claims import line_claims


class Command(BaseCommand):
    help = (
        "Read device frames in hexadecimal, one a line, and print what each claims as one JSON object a line. "
        "Empty lines and lines that start with # are skipped. Keys: docs/jt808-decode.md."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=["jt808"], help="the device language")
        parser.add_argument("file", nargs="?", default="-", help="a file of frames; default: standard input")

    def handle(self, *, file: str, **_: Any) -> None:
        # Bytes, so that a line in another encoding is a bad frame and not an error of ours.
        if file == "-":
            self._print_all(sys.stdin.buffer)
            return
        try:
            with Path(file).open("rb") as lines:
                self._print_all(lines)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error

    def _print_all(self, lines: Iterable[bytes]) -> None:
        for raw in lines:
            line = raw.decode("utf-8", "replace").strip().lstrip("\ufeff")
            if line and not line.startswith("#"):
                for claims in line_claims(line, now=clock.now()):
                    self.stdout.write(json.dumps(claims, ensure_ascii=False))
