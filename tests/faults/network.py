"""Machines of a network: each a network namespace with an address of its own, on one bridge.

A program that uses it runs inside a namespace (`inside`), so that nothing of the real network is touched and, where the kernel
allows user namespaces, an ordinary user may do it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = "10.77.0.1"
"""The address of whoever made the network."""
CANNOT = 3
"""Exit status: this machine makes no networks; stderr says why."""


def inside(module: str, arguments: Sequence[object], **options: object) -> subprocess.CompletedProcess:
    """Run `python -m module` where networks may be made."""
    namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    return subprocess.run(
        [*namespace, sys.executable, "-m", module, *map(str, arguments)], check=False, **options
    )


class NoNetwork(Exception):
    """This machine makes no networks."""


def _do(*words: object) -> None:
    try:
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NoNetwork(f"the program {error.filename} is missing (Debian: iproute2, util-linux)") from None
    if done.returncode:
        raise NoNetwork(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")


class Machine:
    """Programs run here see this machine's network only."""

    def __init__(self, name: str, address: str, folder: Path):
        self.name, self.address, self.folder = name, address, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "out.log"
        self.process: subprocess.Popen | None = None
        self._start: tuple[list[str], dict[str, str]] = ([], {})
        self._holder = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo made; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = self._holder.stdout.readline().strip()
        if said != "made":
            raise NoNetwork(said)
        self._enter = ["nsenter", "-t", str(self._holder.pid), "-n", "--"]
        self.wire = f"w-{name}"
        _do("ip", "link", "add", self.wire, "type", "veth", "peer", "name", "eth0", "netns", self._holder.pid)
        _do("ip", "link", "set", self.wire, "master", "br0", "up")
        for words in (f"addr add {address}/24 dev eth0", "link set eth0 up", "link set lo up"):
            _do(*self._enter, "ip", *words.split())

    def run(self, command: Sequence[object], environment: dict[str, str]) -> None:
        """Start this machine's program."""
        self._start = ([*map(str, command)], environment)
        self.start()

    def start(self) -> None:
        """The program anew."""
        command, environment = self._start
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                [*self._enter, *command], env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def cut_off(self) -> None:
        """Nothing leaves it and nothing reaches it; nobody is told."""
        _do("ip", "link", "set", self.wire, "down")

    def back(self) -> None:
        _do("ip", "link", "set", self.wire, "up")

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:] if self.log.exists() else ""

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(20)
        self._holder.communicate()


class Network:
    def __init__(self, folder: Path):
        self.folder = folder
        self.machines: dict[str, Machine] = {}
        _do("ip", "link", "set", "lo", "up")
        _do("ip", "link", "add", "br0", "type", "bridge")
        _do("ip", "addr", "add", f"{HERE}/24", "dev", "br0")
        _do("ip", "link", "set", "br0", "up")

    def machine(self, name: str, number: int) -> Machine:
        """A new one, at 10.77.0.`number`."""
        self.machines[name] = Machine(name, f"10.77.0.{number}", self.folder / name)
        return self.machines[name]

    def end(self) -> None:
        for one in self.machines.values():
            one.end()
