"""`zaitu demo load|facts`: the demo company."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from zaitu.config.demo.company import COMPANY
from zaitu.config.demo.load import facts, load


class Command(BaseCommand):
    help = "装入演示公司（load），或列出可以打开什么（facts）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["load", "facts"])
        parser.add_argument("--json", action="store_true", dest="as_json", help="facts: 以 JSON 输出")

    def handle(self, *, action: str, as_json: bool, **_: Any) -> None:
        if action == "load":
            taken = load()
            self.stdout.write(
                f"演示公司 {COMPANY}：运单 {len(taken.waybills)} 票（新增 {taken.orders}），车次 {len(taken.trips)} 个"
            )
            return
        found = facts()
        if as_json:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
        else:
            for name, value in found.items():
                self.stdout.write(f"{name} {value}")
