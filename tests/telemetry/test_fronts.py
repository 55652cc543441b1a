"""Both fronts keep the same contract, over real sockets."""

import ssl
import subprocess
import time

import pytest
from django.conf import settings

from tests.telemetry import make
from zaitu.kernel import clock
from zaitu.telemetry.models import Position

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["sweep", "uvloop"])
def front(request):
    return request.param


def test_a_terminal_registers_reports_and_is_acknowledged(front):
    with make.gateway(settings.ZAITU_BUS_PATH, front=front) as gateway:
        number, _, _ = make.terminal()
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        now = clock.now()
        for index in range(3):
            assert wire.result(wire.uplink.position(make.place(now, 31.2 + index / 100))) == 0
        assert wire.result(wire.uplink.heartbeat()) == 0
        assert Position.objects.count() == 3


def test_frames_in_single_bytes_are_read(front):
    with make.gateway(settings.ZAITU_BUS_PATH, front=front) as gateway:
        number, _, _ = make.terminal()
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        _, frame = wire.uplink.position(make.place(clock.now()))
        for byte in frame:
            wire.send(bytes([byte]))
            time.sleep(0.001)
        assert wire.receive().fields["result"] == 0


def test_a_burst_of_many_frames_is_answered_whole_and_in_order(front):
    with make.gateway(settings.ZAITU_BUS_PATH, front=front) as gateway:
        number, _, _ = make.terminal()
        wire = make.Wire(gateway.port, number)
        wire.sign_in()
        now = clock.now()
        told = [wire.uplink.position(make.place(now, 31 + index / 1000)) for index in range(400)]
        wire.send(b"".join(frame for _, frame in told))
        answered = [wire.receive().fields["reply_serial"] for _ in told]
        assert answered == [serial for serial, _ in told]
        assert Position.objects.count() == 400


def test_a_terminal_that_does_not_read_is_closed(front):
    limits = {"unread_s": 0.4, "unread_bytes": 10_000_000}
    with make.gateway(settings.ZAITU_BUS_PATH, front=front, **limits) as gateway:
        number, _, _ = make.terminal()
        wire = make.Wire(gateway.port, number, read_buffer=2048)
        wire.sign_in()
        _, beat = wire.uplink.heartbeat()
        assert cut_off(wire, beat * 200, within_s=20)


def cut_off(wire, frames, within_s):
    """Send until the gateway has had enough."""
    until = time.monotonic() + within_s
    try:
        while time.monotonic() < until:
            wire.send(frames)
    except OSError:  # reset or broken pipe, as the kernel likes
        return True
    return False


def test_a_connection_that_ends_frees_its_slot(front):
    with make.gateway(settings.ZAITU_BUS_PATH, front=front, connections=1) as gateway:
        for _ in range(3):
            number, _, _ = make.terminal()
            wire = make.Wire(gateway.port, number)
            wire.sign_in()
            wire.close()
            until = time.monotonic() + 5
            while gateway.connections.open_now and time.monotonic() < until:
                time.sleep(0.01)
        assert gateway.connections.open_now == set()


def test_terminals_may_speak_tls_where_uvloop_holds_them(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False
    with make.gateway(settings.ZAITU_BUS_PATH, front="uvloop", tls=context) as gateway:
        number, _, _ = make.terminal()
        wire = make.Wire(gateway.port, number, tls=trusting)
        wire.sign_in()
        assert wire.result(wire.uplink.position(make.place(clock.now()))) == 0
        assert Position.objects.count() == 1
