"""`zaitu decode KIND [FILE]`: what devices sent in, one JSON object a line out. Needs no database."""

import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import clock
from zaitu.telemetry.codecs import osmand_claims
from zaitu.telemetry.codecs.elock import claims as elock_claims
from zaitu.telemetry.codecs.jt808 import claims as jt808_claims
from zaitu.telemetry.codecs.jt808.profiles import PROFILES

Reader = Callable[..., list[dict[str, Any]]]
KINDS: Final[dict[str, Reader]] = {
    "jt808": jt808_claims.line_claims,
    "elock": elock_claims.line_claims,
    "osmand": osmand_claims.line_claims,
}


class Command(BaseCommand):
    help = (
        "Read what devices sent, one frame (in hexadecimal) or request a line, and print what each claims as one JSON object "
        "a line. Empty lines and lines that start with # are skipped. Keys: docs/KIND-decode.md."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=list(KINDS), help="the device language")
        parser.add_argument(
            "--profile", choices=list(PROFILES), default="standard", help="jt808: what the maker means"
        )
        parser.add_argument("file", nargs="?", default="-", help="a file of frames; default: standard input")

    def handle(self, *, kind: str, file: str, profile: str, **_: Any) -> None:
        read = KINDS[kind]
        if kind == "jt808":
            read = partial(read, profile=PROFILES[profile])
        # Bytes, so that a line in another encoding is a bad frame and not an error of ours.
        if file == "-":
            self._print_all(read, sys.stdin.buffer)
            return
        try:
            with Path(file).open("rb") as lines:
                self._print_all(read, lines)
        except BrokenPipeError:
            raise  # the reader's, not the file's
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error

    def _print_all(self, read: Reader, lines: Iterable[bytes]) -> None:
        # A terminal in GBK or ASCII cannot print every word that a device may send.
        escaped = (getattr(self.stdout, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
        for raw in lines:
            line = raw.decode("utf-8", "replace").strip().lstrip("\ufeff")
            if line and not line.startswith("#"):
                for claims in read(line, now=clock.now()):
                    self.stdout.write(json.dumps(claims, ensure_ascii=escaped))
