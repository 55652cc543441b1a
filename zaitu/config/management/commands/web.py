"""`zaitu web`: one web server process."""

from typing import Any

from django.core.management.base import BaseCommand

from zaitu.config.env import env
from zaitu.config.server import serve
from zaitu.portal import hot


class Command(BaseCommand):
    help = "运行一个网页与接口服务进程（端口 ZAITU_HTTP_PORT）"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        serve(env(), ready=hot.application.ready)
