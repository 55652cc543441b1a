"""An Asterisk as FastAGI sees it: it connects for a call, obeys commands, and its caller presses keys."""

import re
import socket
from dataclasses import dataclass, field

HEAD = """agi_network: yes
agi_network_script: zaitu
agi_request: agi://127.0.0.1/zaitu
agi_channel: PJSIP/trunk-00000001
agi_language: zh
agi_type: PJSIP
agi_uniqueid: {unique}
agi_version: 20.5.0
agi_callerid: {caller}
agi_calleridname: unknown
agi_context: hotline
agi_extension: 4008001234
agi_priority: 3
agi_enhanced: 0.0
agi_accountcode:
agi_threadid: 139735
"""


@dataclass
class Asterisk:
    """One call; `run` plays it to its end."""

    port: int
    keys: list[str] = field(default_factory=list)
    """What the caller presses, a key at a time; "" is a silence. After the last one the caller is silent."""
    unique: str = "1764240000.1"
    caller: str = "unknown"
    hang_up_after: int = 10_000
    """Commands; then the line is cut."""
    speaks: bool = True
    said: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def run(self) -> "Asterisk":
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            head = HEAD.format(unique=self.unique, caller=self.caller)
            # In crumbs: a line need not come in one piece.
            for at in range(0, len(head), 37):
                line.sendall(head[at : at + 37].encode())
            line.sendall(b"\n")
            reader = line.makefile("rb")
            while command := reader.readline():
                assert len(command) <= 2048, "an Asterisk would cut it"
                self.commands.append(command.decode().rstrip("\n"))
                if len(self.commands) > self.hang_up_after:
                    break
                answer = self._obey(self.commands[-1])
                line.sendall(f"{answer}\n".encode())
        return self

    def _obey(self, command: str) -> str:
        if said := re.fullmatch(r'EXEC Espeak "([^"]*)"', command):
            self.said += [said[1]] if self.speaks else []
            return f"200 result={0 if self.speaks else -2}"
        if re.fullmatch(r"WAIT FOR DIGIT \d+", command):
            key = self.keys.pop(0) if self.keys and not command.endswith(" 20") else ""
            return f"200 result={ord(key) if key else 0}"
        if named := re.fullmatch(r'SET VARIABLE (\w+) "([^"]*)"', command):
            self.variables[named[1]] = named[2]
            return "200 result=1"
        known = {"ANSWER": "200 result=0", "HANGUP": "200 result=1"}
        return known.get(command, "510 Invalid or unknown command")
