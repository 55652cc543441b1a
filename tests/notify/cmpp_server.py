"""An ISMG on loopback, 2.0 or 3.0: checks every field of what it hears. It reads and writes octets by itself, not with the product's codec."""

import hashlib
import struct

from tests.notify.operator_server import Got, Line, OperatorServer

SUBMIT_2 = struct.Struct(">8s BBBB 10s B 21s BBB 6s 2s 6s 17s 17s 21s B")
SUBMIT_3 = struct.Struct(">8s BBBB 10s B 32s B BBB 6s 2s 6s 17s 17s 21s B")
DONE = b"2611221530"


class CmppServer(OperatorServer):
    header = 12

    def __init__(self, *, v3: bool = True) -> None:
        super().__init__()
        self.v3, self.account, self.secret = v3, "900001", "888888"
        self.source, self.service = "10690000", "ZAITU"

    @property
    def url(self) -> str:
        return (
            f"cmpp://{self.account}:{self.secret}@127.0.0.1:{self.port}"
            f"?version={'3.0' if self.v3 else '2.0'}&source={self.source}&service={self.service}&rate=0"
        )

    def _pdu(self, command: int, seq: int, body: bytes = b"") -> bytes:
        return struct.pack(">III", 12 + len(body), command, seq) + body

    def _result(self, number: int) -> bytes:
        return struct.pack(">I" if self.v3 else ">B", number)

    def expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.problems.append(f"{what}: {found!r}, expected {expected!r}")

    def hear(self, line: Line, frame: bytes) -> None:
        _, command, seq = struct.unpack(">III", frame[:12])
        body = frame[12:]
        known = {
            1: self._connect,
            2: self._terminate,
            4: self._submit,
            8: self._active_test,
            0x8000_0005: self._deliver_resp,
            0x8000_0008: self._active_test_resp,
            0x8000_0002: lambda *_: None,
        }
        if command != 1 and not line.bound:
            self.problems.append(f"command {command:#x} before CONNECT")
        if command in known:
            known[command](line, seq, body)
        else:
            self.problems.append(f"unknown command {command:#x}")

    def _connect(self, line: Line, seq: int, body: bytes) -> None:
        self.expect("CONNECT's length", len(body), 27)
        source, proof, version, timestamp = struct.unpack(">6s16sBI", body)
        self.binds.append(source.rstrip(b"\0").decode())
        secret = self.secret.encode() + f"{timestamp:010d}".encode()
        expected = hashlib.md5(source.rstrip(b"\0") + bytes(9) + secret, usedforsecurity=False).digest()
        status = self.bind_code
        if not status and proof != expected:
            status = 3
        if not status and version != (0x30 if self.v3 else 0x20):
            status = 4
        back = hashlib.md5(
            self._result(status) + proof + self.secret.encode(), usedforsecurity=False
        ).digest()
        line.bound = status == 0
        line.say(
            self._pdu(0x8000_0001, seq, self._result(status) + back + bytes([0x30 if self.v3 else 0x20]))
        )

    def _terminate(self, line: Line, seq: int, body: bytes) -> None:
        self.expect("TERMINATE's body", body, b"")
        self.byes += 1
        line.say(self._pdu(0x8000_0002, seq))

    def _active_test(self, line: Line, seq: int, body: bytes) -> None:
        self.expect("ACTIVE_TEST's body", body, b"")
        self.pings += 1
        if self.answers_pings:
            line.say(self._pdu(0x8000_0008, seq, b"\0"))

    def _active_test_resp(self, _line: Line, _seq: int, body: bytes) -> None:
        self.expect("ACTIVE_TEST_RESP's body", body, b"\0")
        self.pongs += 1

    def _deliver_resp(self, _line: Line, _seq: int, body: bytes) -> None:
        self.expect("DELIVER_RESP's length", len(body), 12 if self.v3 else 9)
        self.acks.append((str(int.from_bytes(body[:8], "big")), int.from_bytes(body[8:], "big")))

    def _submit(self, line: Line, seq: int, body: bytes) -> None:
        layout = SUBMIT_3 if self.v3 else SUBMIT_2
        fields = list(layout.unpack(body[: layout.size]))
        fee_terminal_type = fields.pop(8) if self.v3 else 0
        names = [
            "msg_id",
            "total",
            "number",
            "registered",
            "level",
            "service",
            "fee_user_type",
            "fee_terminal",
            "pid",
            "udhi",
            "fmt",
            "msg_src",
            "fee_type",
            "fee_code",
            "valid_time",
            "at_time",
            "src_id",
            "dest_count",
        ]
        told = dict(zip(names, fields, strict=True))
        phone = 32 if self.v3 else 21
        at = layout.size
        dest = body[at : at + phone]
        at += phone
        if self.v3:
            self.expect("Dest_terminal_type", body[at], 0)
            at += 1
        length, content = body[at], body[at + 1 : at + 1 + body[at]]
        self.expect("octets after the content", body[at + 1 + length :], bytes(20 if self.v3 else 8))
        self._check(told, content, dest, fee_terminal_type)
        got = Got(
            line=line.number,
            seq=seq,
            to=dest.rstrip(b"\0").decode(),
            content=content,
            udhi=bool(told["udhi"]),
            coding=told["fmt"],
            number=told["number"],
            total=told["total"],
            fields=told,
        )
        self.treat(line, got)

    def _check(self, told: dict, content: bytes, dest: bytes, fee_terminal_type: int) -> None:
        expected = {
            "msg_id": bytes(8),
            "registered": 1,
            "level": 0,
            "service": self.service.encode().ljust(10, b"\0"),
            "fee_user_type": 2,
            "fee_terminal": bytes(32 if self.v3 else 21),
            "pid": 0,
            "fmt": 8,
            "msg_src": self.account.encode().ljust(6, b"\0"),
            "fee_type": b"01",
            "fee_code": b"000000",
            "valid_time": bytes(17),
            "at_time": bytes(17),
            "src_id": self.source.encode().ljust(21, b"\0"),
            "dest_count": 1,
        }
        for name, value in expected.items():
            self.expect(name, told[name], value)
        self.expect("Fee_terminal_type", fee_terminal_type, 0)
        number = dest.rstrip(b"\0")
        self.expect("Dest_terminal_Id", number.isdigit() and len(number) == 11, True)
        if not 0 < len(content) <= 140:
            self.problems.append(f"a content of {len(content)} octets")
        self.expect("TP_udhi", told["udhi"], int(told["total"] > 1))
        if told["udhi"]:
            self.expect(
                "the header",
                (content[:3], content[4], content[5]),
                (b"\x05\x00\x03", told["total"], told["number"]),
            )

    def answer(self, got: Got, code: int) -> bytes:
        return self._pdu(0x8000_0004, got.seq, struct.pack(">Q", int(got.ref or 0)) + self._result(code))

    def receipt(self, line: Line, got: Got, stat: str) -> bytes:
        phone = got.to.encode().ljust(32 if self.v3 else 21, b"\0")
        report = (
            struct.pack(">Q7s10s10s", int(got.ref), stat.encode(), DONE, DONE) + phone + struct.pack(">I", 7)
        )
        assert len(report) == (71 if self.v3 else 60)
        return self.deliver(line, src=got.to, content=report, registered=1, msg_id=int(got.ref))

    def deliver(
        self,
        line: Line,
        *,
        src: str,
        content: bytes,
        registered: int = 0,
        fmt: int = 8,
        udhi: int = 0,
        msg_id: int = 77,
    ) -> bytes:
        line.seq += 1
        head = struct.pack(
            ">Q21s10sBBB",
            msg_id,
            self.source.encode(),
            self.service.encode(),
            0,
            udhi,
            0 if registered else fmt,
        )
        sender = src.encode().ljust(32, b"\0") + b"\0" if self.v3 else src.encode().ljust(21, b"\0")
        tail = bytes([registered, len(content)]) + content + bytes(20 if self.v3 else 8)
        return self._pdu(5, line.seq, head + sender + tail)

    def ping(self, line: Line) -> bytes:
        line.seq += 1
        return self._pdu(8, line.seq)
