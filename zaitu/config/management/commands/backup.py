"""`zaitu backup FILE`: the whole installation in one file."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from zaitu.config import backups
from zaitu.config.env import env
from zaitu.config.homes import Home


class Command(BaseCommand):
    help = "把数据库、文件与密钥备份成一个文件（运行中也可以）"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="文件")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        size = backups.backup(Home(env().home), settings.ZAITU_DATABASE_URL, file)
        self.stdout.write(f"已备份到 {file}（{size / 2**20:.1f} MB）。文件内含密钥与个人信息，请妥善保管。")
