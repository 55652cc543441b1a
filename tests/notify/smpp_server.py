"""An SMSC on loopback that speaks SMPP 3.4 and checks every field. It reads and writes octets by itself, not with the product's codec."""

import struct

from tests.notify.operator_server import Got, Line, OperatorServer


class SmppServer(OperatorServer):
    header = 16

    def __init__(self) -> None:
        super().__init__()
        self.system_id, self.password = "zaitu", "pw123456"
        self.source = "10690000"
        self.nacks: list[int] = []
        self.tlv_receipts = False
        """Receipts as TLVs without a text."""
        self.hex_ids = False
        """Answers name messages in hexadecimal, receipts in decimal, as some servers do."""

    @property
    def url(self) -> str:
        scheme, host = ("smpps", "localhost") if self.tls else ("smpp", "127.0.0.1")
        ids = "&ids=hex" if self.hex_ids else ""
        return (
            f"{scheme}://{self.system_id}:{self.password}@{host}:{self.port}?source={self.source}&rate=0{ids}"
        )

    def _pdu(self, command: int, seq: int, body: bytes = b"", status: int = 0) -> bytes:
        return struct.pack(">IIII", 16 + len(body), command, status, seq) + body

    def expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.problems.append(f"{what}: {found!r}, expected {expected!r}")

    def hear(self, line: Line, frame: bytes) -> None:
        _, command, status, seq = struct.unpack(">IIII", frame[:16])
        body = frame[16:]
        if command != 9 and not line.bound:
            self.problems.append(f"command {command:#x} before bind")
        known = {
            4: self._submit,
            6: self._unbind,
            9: self._bind,
            0x15: self._enquire_link,
            0x8000_0006: lambda *_: None,
            0x8000_0015: self._enquire_link_resp,
        }
        if command == 0x8000_0005:
            self.expect("deliver_sm_resp's body", body, b"\0")
            self.acks.append((str(seq), status))
        elif command == 0x8000_0000:
            self.nacks.append(status)
        elif command in known:
            known[command](line, seq, body)
        else:
            self.problems.append(f"unknown command {command:#x}")

    def _unbind(self, line: Line, seq: int, body: bytes) -> None:
        self.expect("unbind's body", body, b"")
        self.byes += 1
        line.say(self._pdu(0x8000_0006, seq))

    def _enquire_link(self, line: Line, seq: int, body: bytes) -> None:
        self.expect("enquire_link's body", body, b"")
        self.pings += 1
        if self.answers_pings:
            line.say(self._pdu(0x8000_0015, seq))

    def _enquire_link_resp(self, _line: Line, _seq: int, body: bytes) -> None:
        self.expect("enquire_link_resp's body", body, b"")
        self.pongs += 1

    def _bind(self, line: Line, seq: int, body: bytes) -> None:
        system_id, password, system_type, rest = body.split(b"\0", 3)
        self.binds.append(system_id.decode())
        self.expect("system_type", system_type, b"")
        self.expect("interface_version, ton, npi, address_range", rest, b"\x34\0\0\0")
        status = self.bind_code
        if not status and system_id.decode() != self.system_id:
            status = 0x0F
        if not status and password.decode() != self.password:
            status = 0x0E
        line.bound = status == 0
        line.say(self._pdu(0x8000_0009, seq, b"SMSC\0\x02\x10\x00\x01\x34" if line.bound else b"", status))

    def _submit(self, line: Line, seq: int, body: bytes) -> None:
        service, rest = body.split(b"\0", 1)
        source_ton, source_npi = rest[0], rest[1]
        source, rest = rest[2:].split(b"\0", 1)
        dest_ton, dest_npi = rest[0], rest[1]
        dest, rest = rest[2:].split(b"\0", 1)
        esm, pid, priority = rest[:3]
        schedule, validity, rest = rest[3:].split(b"\0", 2)
        registered, replace, coding, default_id, length = rest[:5]
        content = rest[5 : 5 + length]
        self.expect("octets after the message", rest[5 + length :], b"")
        self.expect("service_type, schedule, validity", (service, schedule, validity), (b"", b"", b""))
        self.expect("source", (source_ton, source_npi, source.decode()), (0, 0, self.source))
        self.expect("destination", (dest_ton, dest_npi, dest.isdigit()), (1, 1, True))
        self.expect("flags", (pid, priority, registered, replace, default_id), (0, 0, 1, 0, 0))
        self.expect("coding", coding in {0, 8}, True)
        if not 0 < len(content) <= (140 if coding == 8 else 160):
            self.problems.append(f"a message of {len(content)} octets")
        udhi = esm == 0x40
        self.expect("esm_class", esm in {0, 0x40}, True)
        if udhi:
            self.expect("the header", content[:3], b"\x05\x00\x03")
        total, number = (content[4], content[5]) if udhi else (1, 1)
        self.treat(
            line,
            Got(
                line=line.number,
                seq=seq,
                to=dest.decode(),
                content=content,
                udhi=udhi,
                coding=coding,
                number=number,
                total=total,
            ),
        )

    def name(self, number: int) -> str:
        return str(0xABCD_0000 + number)

    def answer(self, got: Got, code: int) -> bytes:
        if code:
            return self._pdu(0x8000_0004, got.seq, b"", code)
        ref = f"{int(got.ref):X}" if self.hex_ids else got.ref
        return self._pdu(0x8000_0004, got.seq, ref.encode() + b"\0")

    def receipt(self, line: Line, got: Got, stat: str) -> bytes:
        if self.tlv_receipts:
            state = {"DELIVRD": 2, "UNDELIV": 5, "ACCEPTD": 6}[stat]
            name = got.ref.encode() + b"\0"
            tlvs = struct.pack(">HH", 0x1E, len(name)) + name + struct.pack(">HHB", 0x427, 1, state)
            return self.deliver(line, src=got.to, content=b"", esm=4, tlvs=tlvs)
        text = (
            f"id:{got.ref} sub:001 dlvrd:001 submit date:2611221530 done date:2611221530"
            f" stat:{stat} err:{'000' if stat == 'DELIVRD' else '00B'} text:"
        )
        return self.deliver(line, src=got.to, content=text.encode(), esm=4)

    def deliver(
        self, line: Line, *, src: str, content: bytes, esm: int = 0, coding: int = 0, tlvs: bytes = b""
    ) -> bytes:
        line.seq += 1
        body = b"\0\1\1" + src.encode() + b"\0\0\0" + self.source.encode() + b"\0" + bytes([esm, 0, 0, 0, 0])
        return self._pdu(5, line.seq, body + bytes([0, 0, coding, 0, len(content)]) + content + tlvs)

    def ping(self, line: Line) -> bytes:
        line.seq += 1
        return self._pdu(0x15, line.seq)
