"""`zaitu ivr`: a process of its own, that says what is wrong and ends when it is told to."""

import signal
import socket
import subprocess
import sys
import time

import pytest
from django.core.management import CommandError, call_command

from tests.portal.asterisk import Asterisk
from zaitu.config.env import Env
from zaitu.config.management.commands.up import _programs


def test_without_a_port_it_says_so(settings):
    settings.ZAITU_IVR_AGI_PORT = 0
    with pytest.raises(CommandError, match="ZAITU_IVR_AGI_PORT"):
        call_command("ivr")


def test_a_taken_port_is_said_in_words(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.ZAITU_IVR_AGI_PORT = taken.getsockname()[1]
        with pytest.raises(CommandError, match="不可用"):
            call_command("ivr")


@pytest.mark.parametrize(("port", "runs"), [(0, False), (4573, True)])
def test_it_is_one_of_the_processes_only_where_a_port_is_set(port, runs):
    programs = _programs(Env(ivr_agi_port=port), demo=False, gateway=False, jobs=True, elock_port=0)
    assert ("ivr" in {one.name for one in programs}) == runs


@pytest.mark.parametrize(
    "say", ["EXEC Espeak {text}", 'EXEC Espeak "{text}"\nHANGUP', 'x "{text}" "{text}"', "no"]
)
def test_a_way_to_speak_that_is_none_is_refused(say):
    with pytest.raises(ValueError, match="AGI"):
        Env(ivr_agi_say=say)


def test_the_process_answers_a_call_and_ends_on_sigterm(transactional_db, settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": "/usr/bin:/bin",
        "ZAITU_HOME": settings.ZAITU_HOME,
        "ZAITU_DATABASE_URL": settings.ZAITU_DATABASE_URL,
        "ZAITU_IVR_AGI_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "zaitu.config.cli", "ivr"], env=environment, cwd=".", stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                call = Asterisk(port, ["0", ""]).run()
                break
            except ConnectionRefusedError:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert call.variables["ZAITU_THEN"] == "person"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
