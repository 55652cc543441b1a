"""Look at the outbox, and re-queue or drop what was set aside."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zaitu.kernel import outbox
from zaitu.kernel.errors import NotFound


class Command(BaseCommand):
    help = "Show the outbox's backlog and the events set aside; re-queue or drop one of these by its number."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", choices=["show", "requeue", "drop"], default="show")
        parser.add_argument("number", nargs="*", type=int)

    def handle(self, *, action: str, number: list[int], **_: Any) -> None:
        if action == "show":
            self._show()
        for one in number:
            try:
                (outbox.poison_requeue if action == "requeue" else outbox.poison_drop)(one)
            except NotFound as error:
                raise CommandError(error.message) from error
            self.stdout.write(f"{one}: {'queued again' if action == 'requeue' else 'dropped'}")

    def _show(self) -> None:
        backlog = outbox.backlog()
        self.stdout.write(
            f"waiting {backlog.rows} (oldest {backlog.oldest_s:.0f} s), "
            f"subjects held {backlog.held}, set aside {backlog.poison}"
        )
        for poison in outbox.poison_list():
            self.stdout.write(
                f"{poison.id}  {poison.name}  {poison.subject}  {poison.handler}  {poison.tries} tries  {poison.error}"
            )
