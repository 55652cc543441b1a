"""Everything is killed at least once."""

import contextlib
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.running import free_port, gone, until
from zaitu.kernel.waybills import waybill_make

pytestmark = pytest.mark.fault


def test_a_killed_part_comes_back(installation):
    running = installation(new=False).up()
    for part in ("bus", "gateway", "worker", "jobs", "couriers", "web"):
        before = running.child(part).pid
        running.child(part).kill()
        until(lambda before=before, part=part: _restarted(running, part, before))
        running.wait_ready(60)
    assert "SIGKILL" in running.said()


def _restarted(running, part, before):
    try:
        return running.child(part).pid != before
    except LookupError:
        return False


def test_ready_names_the_part_that_does_not_work(installation):
    running = installation(new=False).up()
    stopped = [running.child(part) for part in ("worker", "couriers")]
    for part in stopped:
        part.suspend()  # alive, and doing nothing: the supervisor cannot see that
    until(lambda: len(running.ready_body().get("parts", ())) == 2)
    assert running.ready() == 503
    assert running.ready_body()["parts"] == [
        {"part": "worker", "message": "事件处理没有在工作"},
        {"part": "couriers", "message": "消息发送没有在工作"},
    ]
    for part in stopped:
        part.resume()
    running.wait_ready(30)


def test_a_killed_database_is_recovered_and_the_web_answers_again(installation):
    running = installation(new=False).up()
    web = running.child("web").pid
    assert running.run("shell", "-c", _MAKE_USER).returncode == 0
    running.child("postgres").kill()
    until(lambda: running.ready() == 503, 15)
    running.wait_ready(60)
    assert running.child("web").pid == web, "the web process itself lived on"
    assert running.run("shell", "-c", _COUNT_USERS).stdout.strip().endswith("1")


def test_without_a_database_programs_get_a_problem_and_people_a_page(installation):
    """All ask at once: each is answered when the pool has given up, after ten seconds."""
    alone = installation(database_url=f"postgresql://zaitu@127.0.0.1:{free_port()}/zaitu")
    (alone.home / "static").mkdir(parents=True)
    with alone.output.open("wb") as sink:
        alone.process = subprocess.Popen(
            [*alone.program, "web"], env=alone.environment, cwd="/", stdout=sink, stderr=sink
        )
    until(lambda: alone.ready() == 503)
    session = {"Cookie": "sessionid=0123456789abcdef0123456789abcdef"}
    number = waybill_make("ZT")
    asked = {
        "/api/v1/key": {"Authorization": f"Bearer zk_abcdefgh_{'x' * 43}"},
        f"/api/v1/track/{number}": {},
        f"/api/v1/track/{number}?phone_tail=1234": {},
        "/field/api/me": session,
        f"/t/{number}": {},
        "/console/": session,
    }
    with ThreadPoolExecutor(len(asked)) as people:
        answers = dict(
            zip(asked, people.map(lambda path: _patiently(alone, path, asked[path]), asked), strict=True)
        )
    for path, answer in answers.items():
        assert answer.status_code == 503, (path, alone.said())
        if "/api/" in path:
            assert answer.headers["content-type"] == "application/problem+json", path
            assert answer.json()["code"] == "unavailable"
        else:
            assert "服务暂时不可用" in answer.text, path


def _patiently(running, path, headers):
    return httpx.get(f"{running.url}{path}", headers=headers, timeout=40, trust_env=False)


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_keeps_the_data(installation):
    running = installation(new=False).up()
    assert running.run("shell", "-c", _MAKE_USER).returncode == 0
    family = running.family()
    assert len(family) > 8
    family[0].kill()
    running.process.wait(10)
    assert gone(family, 20) == []
    running.up()
    assert running.run("shell", "-c", _COUNT_USERS).stdout.strip().endswith("1")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_stops_all_in_order_within_seconds(installation, signum):
    running = installation(new=False).up()
    family = running.family()
    began = time.monotonic()
    assert running.stop(signum) == 0
    assert time.monotonic() - began < 15
    assert gone(family, 1) == []
    assert "已全部停止" in running.said()
    assert "Traceback" not in running.said()
    log = (running.home / "logs" / "postgres.log").read_text()
    assert "was not properly shut down" not in log


def test_stopped_while_it_is_still_starting_it_leaves_nothing(installation):
    running = installation()
    running.launch()
    until(lambda: any("postgres" in process.name() for process in running.family()))
    family = running.family()
    assert running.stop(signal.SIGINT) == 130
    assert gone(family, 10) == []
    assert "Traceback" not in running.said()


def test_a_taken_port_is_said_in_one_sentence(installation):
    first = installation("first", new=False).up()
    for taken in (
        {"http_port": first.http_port},
        {"jt808_port": first.jt808_port},
        {"elock_port": first.jt808_port},
    ):
        second = installation(f"second-{next(iter(taken))}", **taken)
        done = second.run("up", timeout=30)
        assert done.returncode == 2
        assert done.stderr.strip().splitlines() == [
            f"zaitu: 端口 {next(iter(taken.values()))} 不可用（Address already in use）：可能已有程序占用"
        ]


def test_without_a_port_set_for_locks_a_second_installation_runs_beside_the_first(installation):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else's installation holds it: as good
            taken.bind(("127.0.0.1", 7019))
            taken.listen()
        running = installation(new=False)
        del running.environment["ZAITU_ELOCK_PORT"]
        running.up()
        assert "端口 7019 已有程序占用：本次不接入久通电子锁；要接入请设 ZAITU_ELOCK_PORT" in running.said()
        assert running.stop() == 0


def test_a_second_start_in_the_same_home_is_refused(installation):
    first = installation(new=False).up()
    done = installation().run("up", timeout=30)
    assert done.returncode == 2
    assert "已经在运行" in done.stderr
    assert first.ready() == 200


def test_a_second_start_is_quick(installation):
    running = installation(new=False).up()
    running.stop()
    began = time.monotonic()
    running.up()
    assert time.monotonic() - began < 20  # 4 s on an idle machine


def test_commands_use_the_running_database_and_start_their_own_when_none_runs(installation):
    running = installation()
    assert running.run("migrate", "--verbosity", "0").returncode == 0
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if str(running.home) in " ".join(p.info["cmdline"] or ())
    ]
    running.up()
    assert running.run("shell", "-c", _MAKE_USER).returncode == 0
    assert running.ready() == 200


_MAKE_USER = (
    "from zaitu.access.models import User; User.objects.create_user(username='amei', password='x', roles=[])"
)
_COUNT_USERS = "from zaitu.access.models import User; print(User.objects.filter(username='amei').count())"
