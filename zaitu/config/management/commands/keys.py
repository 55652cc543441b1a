"""`zaitu keys [show|rotate|rewrite|retire]`: change the key of personal data."""

from collections.abc import Iterable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from zaitu.config import keys
from zaitu.config.env import env
from zaitu.config.homes import Home
from zaitu.kernel.crypto import key_ids
from zaitu.kernel.rewriting import Batch, remaining

_EVERY: Final = 5_000
"""Rows between two lines of progress."""


class Command(BaseCommand):
    help = "更换个人信息的数据密钥：rotate 加新密钥，rewrite 用新密钥重写（可中断、可续），retire 删除旧密钥"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", nargs="?", choices=["show", "rotate", "rewrite", "retire"], default="show"
        )

    def handle(self, *, action: str, **_: Any) -> None:
        home = Home(env().home)
        if action == "rotate":
            keys.rotate(home)
            self.stdout.write(
                "已加入新密钥。启动 zaitu up，然后运行 zaitu keys rewrite；此前的备份用旧密钥。"
            )
        elif action == "rewrite":
            failed = self._progress(keys.rewrite(home))
            self.stdout.write("已全部改用新密钥。" if not failed else f"{failed} 项无法解密，保持原样。")
        elif action == "retire":
            self._progress(keys.retire(home))
            self.stdout.write("旧密钥已删除；重启 zaitu up 后不再使用。")
        else:
            self._show()

    def _progress(self, batches: Iterable[Batch]) -> int:
        """A line for each table, and for each few thousand rows of it; how many could not be opened."""
        what, done, failed, said = "", 0, 0, 0
        for batch in batches:
            if batch.what != what:
                self._say(what, done)
                what, done, said = batch.what, 0, 0
            done, failed = done + batch.done, failed + batch.failed
            if done - said >= _EVERY:
                self._say(what, done)
                said = done
        self._say(what, done)
        return failed

    def _say(self, what: str, done: int) -> None:
        if what:
            self.stdout.write(f"{what}：{done}")
            self.stdout.flush()

    def _show(self) -> None:
        for number, key_id in enumerate(key_ids()):
            self.stdout.write(f"{key_id}  {'使用中' if number == 0 else '仅用于读取'}")
        for table, count in remaining().items():
            self.stdout.write(f"{table}：{count} 行待重写")
