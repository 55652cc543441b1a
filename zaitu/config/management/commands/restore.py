"""`zaitu restore FILE`: a backup into an empty home. Runs without Django's settings: loading them makes new secrets."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from zaitu.config import backups
from zaitu.config.engines import database_for_a_command
from zaitu.config.env import env
from zaitu.config.homes import Home


class Command(BaseCommand):
    help = "把 zaitu backup 写出的文件恢复到空的 ZAITU_HOME"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="文件")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        home = Home(env().home)
        url = env().database_url or home.database_url()
        manifest = backups.restore(home, file, database=database_for_a_command, url=url)
        self.stdout.write(
            f"已恢复到 {home.path}（备份于 {manifest['at'][:19]} UTC）。运行 zaitu up 即可启动。"
        )
