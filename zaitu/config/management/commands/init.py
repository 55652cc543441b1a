"""`zaitu init`: an installation without the demo: its company and its first administrator."""

import secrets
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from zaitu.access import public as access
from zaitu.config import migrating
from zaitu.config.env import env
from zaitu.config.homes import Home
from zaitu.kernel.errors import Conflict, Invalid
from zaitu.kernel.principal import system
from zaitu.network import public as network


class Command(BaseCommand):
    help = "新建一个正式安装：公司名称与第一位管理员（不含演示数据）"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--company", default="", help="公司名称，显示在页面和消息里")
        parser.add_argument("--admin", default="", help="管理员的登录名（字母、数字）")
        parser.add_argument("--name", default="", help="管理员的姓名")

    def handle(self, *args: Any, company: str, admin: str, name: str, **options: Any) -> None:
        actor, home = system("zaitu init"), Home(env().home)
        migrating.migrate()
        if access.users_list(actor=actor).total:
            raise Conflict(f"{home.path} 已有用户，无需再次初始化")
        company = company.strip() or self._asked("公司名称", "--company")
        admin = admin.strip() or self._asked("管理员登录名", "--admin")
        password = secrets.token_urlsafe(12)
        # First: a name that is refused must not leave an administrator, with whom this cannot be tried again.
        network.company_put(actor=actor, company=network.CompanyView(name=company))
        access.user_create(
            actor=actor,
            draft=access.UserDraft(
                username=admin, name=name or admin, roles=frozenset({"administrator"}), password=password
            ),
        )
        self.stdout.write(f"公司      {company}")
        self.stdout.write(f"管理员    {admin}")
        self.stdout.write(f"初始密码  {password}（只显示这一次，登录后请修改）")
        self.stdout.write("运行 zaitu up 启动。")

    def _asked(self, what: str, flag: str) -> str:
        """From the person at the terminal; a script is told the flag instead."""
        if not sys.stdin.isatty():
            raise Invalid(f"缺少{what}，请加 {flag}")
        said = input(f"{what}：").strip()
        if not said:
            raise Invalid(f"{what}不能为空")
        return said
