"""`zaitu up`: everything of an installation under one parent, until Ctrl-C."""

import asyncio
import functools
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, Final

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from zaitu import __version__
from zaitu.access import public as access
from zaitu.config import keys, migrating, static
from zaitu.config.asking import ready
from zaitu.config.children import Beside
from zaitu.config.cli import uncollected
from zaitu.config.engines import POSTGRES_LOCK
from zaitu.config.env import Env, env
from zaitu.config.health import PARTS_FILE
from zaitu.config.homes import Home
from zaitu.config.postgres import PostgresServer
from zaitu.config.server import reserve
from zaitu.config.supervisor import Program, Supervisor
from zaitu.kernel.errors import Conflict, Unavailable
from zaitu.kernel.principal import system
from zaitu.network import public as network

_READY_S: Final = 120
_LOADED_LATER: Final = ("duckdb", "openpyxl", "numba", "typst")
"""Libraries that are only loaded by who needs them, and when: that they are there is seen at the start all the same."""


class Command(BaseCommand):
    help = "启动全部服务，直到 Ctrl-C（数据在 ZAITU_HOME，默认 ./var）"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="装入演示公司并开动模拟车队")
        parser.add_argument("--no-gateway", action="store_true", help="本机不运行设备网关")
        parser.add_argument("--no-jobs", action="store_true", help="本机不运行事件处理与定时任务")

    def handle(self, *args: Any, demo: bool, no_gateway: bool, no_jobs: bool, **options: Any) -> None:
        began = time.monotonic()
        settings, home = env(), Home(env().home)
        _must_be_installed(_LOADED_LATER)
        signal.signal(signal.SIGTERM, _interrupted)
        with ExitStack() as stack:
            stack.enter_context(_locked(home))
            self._say("zaitu", f"在途 {__version__} · 数据在 {home.path}")
            stack.callback(reserve(settings.http_host, settings.http_port).close)
            elock_port = 0 if no_gateway else self._device_ports(settings)
            programs = _programs(
                settings, demo=demo, gateway=not no_gateway, jobs=not no_jobs, elock_port=elock_port
            )
            pages = Beside("static", static.collect)
            stack.callback(pages.end)
            # Only the first start of a version has something to compile: the gateway waits for it, all else does not.
            kernels = [] if no_gateway else [Beside("kernels", functools.partial(call_command, "kernels"))]
            for one in kernels:
                stack.callback(one.end)
            server = self._database(home, stack) if not settings.database_url else None
            if migrating.migrate():
                self._say("zaitu", "数据库已建表")
            keys.verify(home)
            _name_company(home)
            facts = _demo(home) if demo else {}
            if not pages.succeeded():
                raise Unavailable("页面的静态文件没有备好（原因见上）")
            said = _invitation(settings.address, facts)
            _let_go()
            _prepare_run_folder(home, programs)
            announcer = Program(
                name="zaitu", body=lambda: asyncio.run(_announce(settings, said, began)), stage=3, once=True
            )
            Supervisor([*programs, announcer], server, self._say, kernels).run()
            self._say("zaitu", "已全部停止")

    def _device_ports(self, settings: Env) -> int:
        """See that the gateway can have its ports; the one that locks get, 0 for none.

        Two installations on one machine need no setting for locks that neither has: a port that nobody asked for by
        name, and that is taken, is left out and said. One that was asked for is a mistake to mend.
        """
        with closing(reserve(settings.jt808_host, settings.jt808_port)):
            if not settings.elock_port:
                return 0
            try:
                reserve(settings.jt808_host, settings.elock_port).close()
            except Unavailable:
                if "elock_port" in settings.model_fields_set:
                    raise
                self._say(
                    "zaitu",
                    f"端口 {settings.elock_port} 已有程序占用：本次不接入久通电子锁；要接入请设 ZAITU_ELOCK_PORT",
                )
                return 0
            return settings.elock_port

    def _database(self, home: Home, stack: ExitStack) -> PostgresServer:
        server = PostgresServer(home, say=functools.partial(self._say, "postgres"))
        stack.callback(server.stop)  # first: Ctrl-C may come while it starts
        server.start()
        return server

    def _say(self, part: str, line: str) -> None:
        self.stdout.write(f"{part:>9} │ {line}")
        self.stdout.flush()


async def _announce(settings: Env, invitation: list[str], began: float) -> None:
    """Say what to open as soon as it can be opened."""
    missing = await ready(settings)
    while missing and time.monotonic() - began < _READY_S:
        await asyncio.sleep(0.1)
        missing = await ready(settings)
    if missing:
        sys.stdout.write(f"还没有就绪：{missing}\n")
        return
    said = [f"已就绪，用时 {time.monotonic() - began:.1f} 秒", *invitation]
    sys.stdout.write("".join(f"{line}\n" for line in said))


def _name_company(home: Home) -> None:
    """The name of a home that was made before the database kept it."""
    if home.company_name and not network.company().name:
        network.company_put(
            actor=system("zaitu up"), company=network.CompanyView(name=home.company_name[:40])
        )


def _must_be_installed(libraries: Sequence[str]) -> None:
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise Unavailable(f"安装不完整，缺少 {'、'.join(missing)}：请重新安装")


def _let_go() -> None:
    """Load what the children need, once for all, and keep no connection that they would inherit."""
    with uncollected():
        for module in ("zaitu.config.asgi", "zaitu.config.wiring"):
            import_module(module)
    for connection in connections.all(initialized_only=True):
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's wrapper has it


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def _locked(home: Home) -> ExitStack:
    """The home is ours: no second `zaitu up`, and no other command runs its database."""
    with ExitStack() as stack:
        try:
            stack.enter_context(home.locked("up"))
        except Conflict:
            raise Conflict(
                f"{home.path} 已经在运行（另一个 zaitu up）；先停掉它，或换一个 ZAITU_HOME"
            ) from None
        deadline = time.monotonic() + 60
        while True:
            try:
                stack.enter_context(home.locked(POSTGRES_LOCK))
            except Conflict:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # a single command has started the database and will stop it
            else:
                return stack.pop_all()


def _programs(settings: Env, *, demo: bool, gateway: bool, jobs: bool, elock_port: int) -> list[Program]:
    """Stages: what talks to the outside stops first, then those who work off what it left, then the bus."""
    stages = {
        "bus": 0, "web": 2, "gateway": 2, "sensors": 2, "ingest": 1, "worker": 1, "jobs": 1, "couriers": 1, "ivr": 2, "fleet": 3,
    }  # fmt: skip
    left_out = {
        *(set() if gateway else {"gateway"}),
        *(set() if jobs else {"worker", "jobs", "couriers"}),
        *(set() if demo else {"fleet"}),
        *(set() if settings.nats_url else {"ingest"}),
        *(set() if settings.mqtt_url else {"sensors"}),
        *(set() if settings.ivr_agi_port else {"ivr"}),
    }
    options = {"gateway": {"elock_port": elock_port}}
    programs = [
        Program(name=name, body=functools.partial(call_command, name, **options.get(name, {})), stage=stage)
        for name, stage in stages.items()
        if name not in left_out
    ]
    more_web = [
        Program(name=f"web-{number}", body=functools.partial(call_command, "web"), stage=stages["web"])
        for number in range(2, settings.web_processes + 1)
    ]
    more_gateways = [
        Program(
            name=f"gateway-{number}",
            body=functools.partial(call_command, "gateway", number=number, **options["gateway"]),
            stage=stages["gateway"],
        )
        for number in range(2, settings.gateway_processes + 1)
        if gateway
    ]
    return [*programs, *more_web, *more_gateways]


def _prepare_run_folder(home: Home, programs: list[Program]) -> None:
    """Forget the last run's signs of life and numbers, and say which parts this machine runs."""
    for beat in home.run.glob("*.beat"):
        beat.unlink()
    for metrics in home.run.glob("metrics-*"):
        if metrics != home.metrics:
            shutil.rmtree(metrics)
    parts = json.dumps([program.name for program in programs])
    (home.run / PARTS_FILE).write_text(parts, encoding="utf-8")


def _demo(home: Home) -> dict[str, str]:
    """Load or renew the demo company; its facts also go to demo.json."""
    call_command("demo", "load", stdout=sys.stdout)
    said = StringIO()
    call_command("demo", "facts", "--json", stdout=said)
    facts: dict[str, str] = json.loads(said.getvalue())
    path = Path(home.path, "demo.json")
    path.touch(mode=0o600)
    path.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return facts


def _invitation(base: str, facts: dict[str, str]) -> list[str]:
    """What can be opened, and with what."""
    if facts:
        return [
            f"查询页    {base}/t/{facts['waybill']}（手机号后四位 {facts['phone_tail']}）",
            f"工作台    {base}/console/ 用户 {facts['console_user']} 密码 {facts['console_password']}",
            f"现场端    {base}/field/",
            f"接口文档  {base}/api/v1/docs 密钥 {facts['api_key']}",
        ]
    pages = [f"查询页    {base}/", f"工作台    {base}/console/", f"接口文档  {base}/api/v1/docs"]
    known = access.users_list(actor=system("zaitu up")).total
    return pages if known else [*pages, "还没有管理员：请另开终端运行 zaitu init"]
