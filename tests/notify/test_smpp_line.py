"""What only SMPP has: TLS, GSM-7, receipts in TLVs, other spellings of names, numbers abroad; and a server that others have written."""

import asyncio
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import smpp34

from tests.notify import make
from tests.notify.operator_server import Reaction, running
from tests.notify.operators import LONG, PHONE, SHORT, Ear, parcel, sending, use
from tests.notify.smpp_server import SmppServer
from zaitu.notify.channels.operators import line as lines
from zaitu.notify.domain.delivery import Verdict

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def gateway(settings, monkeypatch):
    settings.ZAITU_SMS_SIGN = ""
    monkeypatch.setattr(lines, "PAUSE_FIRST_S", 0.1)
    monkeypatch.setattr(lines, "SLOW_DOWN_S", (0.01,))
    with running(SmppServer()) as found:
        use(settings, found)
        yield found


@pytest.fixture
def sender(gateway, settings, ear):
    with sending(settings, ear) as found:
        make.until(lambda: gateway.open_lines)
        yield found


def test_a_text_in_latin_letters_goes_in_gsm_7_with_160_or_153_to_a_part(gateway, sender):
    assert sender(parcel("Goods ZT1 signed @ 3 pieces {ok}")).parts == 1
    assert (gateway.got[0].coding, gateway.got[0].content) == (
        0,
        b"Goods ZT1 signed \x00 3 pieces \x1b(ok\x1b)",
    )
    assert sender(parcel("a" * 160)).parts == 1
    assert sender(parcel("a" * 152 + "€" + "b" * 10)).parts == 2
    assert [got.content[6:] for got in gateway.got[-2:]] == [b"a" * 152, b"\x1b\x65" + b"b" * 10], (
        "no escape is cut off"
    )


def test_gsm_7_may_be_forbidden(gateway, settings, ear):
    settings.ZAITU_SMPP_URL = f"{gateway.url}&alphabet=ucs2"
    with sending(settings, ear) as sender:
        sender(parcel("Goods"))
    assert (gateway.got[0].coding, gateway.got[0].text) == (8, "Goods")


def test_a_number_abroad_is_reached(gateway, sender):
    assert sender(parcel(address="+85291234567")).verdict is Verdict.TAKEN
    assert gateway.got[0].to == "85291234567"


def test_a_receipt_in_tlvs_is_understood(gateway, sender, ear):
    gateway.tlv_receipts = True
    ref = sender(parcel()).ref
    assert [one.ref for one in make.until(lambda: ear.receipts)] == [ref]


def test_names_answered_in_hexadecimal_and_receipted_in_decimal_are_the_same(gateway, settings, ear):
    gateway.hex_ids = True
    use(settings, gateway)
    with sending(settings, ear) as sender:
        ref = sender(parcel()).ref
        assert ref == gateway.got[0].ref
        assert [one.ref for one in make.until(lambda: ear.receipts)] == [ref]


def test_a_message_whose_length_the_server_does_not_understand_is_answered_by_a_nack(gateway, sender):
    gateway.answer = lambda got, _code: gateway._pdu(0x8000_0000, got.seq, status=1)
    answer = sender(parcel())
    assert (answer.verdict, answer.reason) == (Verdict.NEVER, "ESME_RINVMSGLEN")


def test_a_command_that_is_not_spoken_here_is_answered_with_a_nack(gateway, sender):
    gateway.say(gateway._pdu(0x103, 5, b"data_sm"))
    make.until(lambda: gateway.nacks == [3])
    assert sender(parcel()).verdict is Verdict.TAKEN


def test_the_same_text_told_again_within_the_hour_has_the_same_name(gateway, sender, ear):
    for _ in range(2):
        gateway.say(gateway.deliver(gateway.lines[-1], src=f"86{PHONE}", content=b"TD"))
    make.until(lambda: len(ear.texts) == 2)
    assert len({text.ref for text in ear.texts}) == 1


def test_tls_is_spoken_and_the_certificate_is_checked(settings, ear, tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    settings.ZAITU_SMS_SIGN = ""
    monkeypatch.setattr(lines, "PAUSE_FIRST_S", 0.1)
    gateway = SmppServer()
    gateway.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    gateway.tls.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with running(gateway):
        use(settings, gateway)
        with sending(settings, ear) as sender:
            make.until(lambda: sender(parcel()).note == "短信网关的证书无效")
        monkeypatch.setattr(lines, "_tls", lambda: trusting)
        with sending(settings, ear) as sender:
            make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN)
            make.until(lambda: ear.receipts)


# A server that others have written


class Smsc:
    """smpp34's own server: takes what comes, and tells a receipt of it."""

    def __init__(self) -> None:
        self.got: list[smpp34.SubmitSmEvent] = []
        self.reject: int | None = None
        self.bound = self.unbound = 0
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        return f"smpp://zaitu:pw123456@127.0.0.1:{self.port}?source=10690000"

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        listening.close()
        await listening.wait_closed()
        server = smpp34.Server("127.0.0.1", self.port, system_id="SMSC")
        await server.start()
        self._task = asyncio.ensure_future(self._answer(server))
        self._ready.set()
        await asyncio.wait([self._task])
        await server.stop()

    async def _answer(self, server: smpp34.Server) -> None:
        sessions = {}
        while True:
            event = await server.next()
            match event:
                case smpp34.Esme():
                    self.bound += 1
                    sessions[event.session_id] = event
                case smpp34.Unbound():
                    self.unbound += 1
                case smpp34.SubmitSmEvent() if self.reject is not None:
                    event.reject(self.reject)
                case smpp34.SubmitSmEvent():
                    self.got.append(event)
                    name = f"m{len(self.got)}"
                    event.accept(name)
                    told = await sessions[event.session_id].deliver_sm(
                        source_addr=event.destination_addr,
                        destination_addr=event.source_addr,
                        esm_class=4,
                        short_message=f"id:{name} done date:2611221530 stat:DELIVRD err:000 text:".encode(),
                    )
                    assert told.is_success


@pytest.fixture
def smsc(settings):
    settings.ZAITU_SMS_SIGN = "顺驰物流"
    server = Smsc()
    server.start()
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_SMPP_URL = "smpp", server.url
    yield server
    server.stop()


def test_anothers_server_takes_long_and_short_messages_and_its_receipts_are_understood(smsc, settings, ear):
    with sending(settings, ear) as sender:
        short, long = sender(parcel()), sender(parcel(LONG))
        assert (short.ref, long.ref, long.parts) == ("m1", "m4", 3)
        make.until(lambda: len(ear.receipts) == 4)
        assert {one.ref for one in ear.receipts} == {"m1", "m2", "m3", "m4"}
        assert all(one.delivered for one in ear.receipts)
    first, *parts = smsc.got
    assert first.short_message.decode("utf-16-be") == f"【顺驰物流】{SHORT}"
    assert (first.destination_addr, first.source_addr, first.data_coding) == (f"86{PHONE}", "10690000", 8)
    assert "".join(part.short_message[6:].decode("utf-16-be") for part in parts) == f"【顺驰物流】{LONG}"
    assert {part.esm_class for part in parts} == {0x40}
    make.until(lambda: smsc.unbound == 1)


def test_sixteen_hands_on_anothers_server(smsc, settings, ear):
    with sending(settings, ear) as sender, ThreadPoolExecutor(16) as hands:
        answers = list(hands.map(lambda _: sender(parcel()), range(200)))
        assert len({answer.ref for answer in answers}) == 200
        make.until(lambda: len(ear.receipts) == 200)
    assert smsc.bound == 1


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (smpp34.ESME_RTHROTTLED, "pause"),
        (smpp34.ESME_RMSGQFUL, "pause"),
        (smpp34.ESME_RINVDSTADR, "never"),
        (smpp34.ESME_RSYSERR, "retry"),
    ],
)
def test_anothers_server_refuses(smsc, settings, ear, monkeypatch, status, verdict):
    monkeypatch.setattr(lines, "SLOW_DOWN_S", (0.01,))
    smsc.reject = status
    with sending(settings, ear) as sender:
        answer = sender(parcel())
    assert (answer.verdict, answer.code) == (verdict, status)


def test_what_breaks_off_while_nothing_is_sent_costs_nothing(gateway, sender):
    gateway.cut()
    make.until(lambda: len(gateway.binds) == 2)
    gateway.react = lambda _got: Reaction()
    assert make.until(lambda: sender(parcel()).verdict is Verdict.TAKEN)
