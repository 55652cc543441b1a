"""Three NATS servers, two gateways, two workers, each on a machine of its own; each in turn is killed, stopped and cut off.

`python -m tests.faults.cluster --database URL --home HOME` inside a namespace (network.inside); terminals of `fleet.MAKE` are there.
One JSON object a fault on stdout.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.faults.fleet import Fleet, Pauses, Stored, facts_in_order
from tests.faults.network import CANNOT, HERE, Machine, Network, NoNetwork
from zaitu.telemetry.adapters import terminal_link

TERMINALS = 8
SHARDS = 4
_PARTS = ("nats leader", "nats follower", "gateway", "worker")
_HOWS = ("killed", "stopped", "cut off")
ALL = tuple(f"{part} {how}" for how in _HOWS for part in _PARTS)
_DATABASE_PORT = 5432
_JT808_PORT = 7018


@dataclass(kw_only=True)
class Outcome:
    fault: str
    acked: int
    """Positions acknowledged since the fault before."""
    stored: int
    """Positions in the table when all of them were there."""
    lost: int
    duplicates: int
    order: str
    """What is wrong with the facts; empty: nothing."""
    pause_s: float
    """The longest that nothing at all was acknowledged."""
    settled_s: float
    """From the end of the fault until everything acknowledged by then was stored."""
    note: str = ""

    @property
    def fine(self) -> bool:
        return not (self.lost or self.duplicates or self.order or self.note)


class Relay:
    """PostgreSQL's Unix socket at an address of the network, so that a machine that is cut off has lost the database too."""

    def __init__(self, socket: str):
        self._socket = socket
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        if not self._ready.wait(10):
            raise NoNetwork(f"nobody can listen on {HERE}:{_DATABASE_PORT}")

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._line, HERE, _DATABASE_PORT)
        self._ready.set()
        await server.serve_forever()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(self._socket)
        except OSError:
            writer.close()
            return
        ways = [asyncio.create_task(_pour(reader, back)), asyncio.create_task(_pour(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        writer.close()
        back.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        return


class Cluster:
    def __init__(self, network: Network, database: str, home: Path):
        self.network = network
        self.home = home
        parts = conninfo_to_dict(database)
        Relay(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}")
        self.database = f"postgresql://{parts.get('user', 'zaitu')}@{HERE}:{_DATABASE_PORT}/{parts['dbname']}"
        self.nats = [network.machine(f"nats{number}", 10 + number) for number in (1, 2, 3)]
        self.gateways = [network.machine(f"gateway{number}", 20 + number) for number in (1, 2)]
        self.workers = [network.machine(f"worker{number}", 30 + number) for number in (1, 2)]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [(one.address, _JT808_PORT) for one in self.gateways]

    def start(self) -> None:
        program = Path(sys.executable).with_name("nats-server")
        for one in self.nats:
            config = one.folder / "nats.conf"
            config.write_text(self._nats_config(one))
            one.run([program, "-c", config], dict(os.environ))
        zaitu = [sys.executable, "-m", "zaitu.config.cli"]
        for one in self.gateways:
            words = ["gateway", "--host", one.address, "--port", _JT808_PORT]
            one.run([*zaitu, *words], self._environment(one))
        for one in self.workers:
            one.run([*zaitu, "ingest"], self._environment(one))

    def _nats_config(self, one: Machine) -> str:
        routes = ", ".join(f'"nats://{other.address}:6222"' for other in self.nats)
        return f"""server_name: {one.name}
host: {one.address}
port: 4222
http: "{one.address}:8222"
jetstream {{ store_dir: "{one.folder}/js", sync_interval: always, max_file_store: 512MB }}
cluster {{ name: zaitu, listen: "{one.address}:6222", routes: [{routes}] }}
"""

    def _environment(self, one: Machine) -> dict[str, str]:
        home = one.folder / "home"
        home.mkdir(mode=0o711)
        if (self.home / "secrets").exists():
            shutil.copytree(self.home / "secrets", home / "secrets")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ZAITU_")}
        return (
            kept
            | {
                "ZAITU_HOME": str(home),
                "ZAITU_DATABASE_URL": self.database,
                "ZAITU_NATS_URL": ",".join(f"nats://{other.address}:4222" for other in self.nats),
                "ZAITU_NATS_MONITOR_URL": ",".join(f"http://{other.address}:8222" for other in self.nats),
                "ZAITU_NATS_SHARDS": str(SHARDS),
                "ZAITU_NATS_REPLICAS": "3",
                "ZAITU_NATS_STREAM_MB": "128",
                "NUMBA_CACHE_DIR": "",  # beside the source, where tests keep what is compiled: seven homes need not each wait for it
            }
        )

    def find(self, part: str) -> Machine:
        """The machine that a fault is for, as things are now."""
        if part == "gateway":
            return self.gateways[0]
        if part == "worker":
            return self.workers[0]
        leader = self._leader()
        return next(one for one in self.nats if (one.name == leader) == (part == "nats leader"))

    def _leader(self) -> str:
        """Of the stream."""
        for _ in range(100):
            for one in self.nats:
                try:
                    url = f"http://{one.address}:8222/jsz?streams=1"
                    with urllib.request.urlopen(url, timeout=2) as answer:
                        told = json.load(answer)
                    for stream in told["account_details"][0]["stream_detail"]:
                        if leader := stream["cluster"].get("leader"):
                            return leader
                except (OSError, LookupError):
                    continue
            time.sleep(0.2)
        raise AssertionError("the stream has no leader")

    def anew(self) -> list[str]:
        """Start what ended by itself, as a supervisor does; its last words."""
        ended = [one for one in (*self.gateways, *self.workers) if one.ended()]
        for one in ended:
            one.start()
        return [f"{one.name} ended: {one.said()[-600:]}" for one in ended]


class Trial:
    """Faults one after the other, while terminals report."""

    def __init__(self, cluster: Cluster, stored: Stored, fleet: Fleet, *, hold_s: float, within_s: float):
        """`hold_s`: how long something stays stopped or cut off; `within_s`: until everything works again."""
        self.cluster, self.stored, self.fleet = cluster, stored, fleet
        self.hold_s, self.within_s = hold_s, within_s

    def run(self, fault: str) -> Outcome:
        part, how = next((part, how) for part in _PARTS for how in _HOWS if fault == f"{part} {how}")
        before = self.fleet.acknowledged
        machine = self.cluster.find(part)
        pauses = Pauses(self.fleet)
        with pauses:
            self._harm(machine, how)
            began = time.monotonic()
            note = self._until(self._everybody_goes_on(), "not every terminal was acknowledged again")
            snapshot = self.fleet.times()
            note += self._until(lambda: not self.stored.missing(snapshot), "")
            settled_s = time.monotonic() - began
        rows, twice = self.stored.counted()
        return Outcome(
            fault=fault,
            acked=self.fleet.acknowledged - before,
            stored=rows,
            lost=sum(map(len, self.stored.missing(snapshot).values())),
            duplicates=twice,
            order=self._order(),
            pause_s=round(pauses.longest_s, 1),
            settled_s=round(settled_s, 1),
            note=note,
        )

    def _harm(self, machine: Machine, how: str) -> None:
        harm = {"killed": machine.kill, "stopped": machine.stop, "cut off": machine.cut_off}[how]
        mend = {"killed": machine.start, "stopped": machine.go_on, "cut off": machine.back}[how]
        harm()
        time.sleep(1.0 if how == "killed" else self.hold_s)
        mend()

    def _everybody_goes_on(self) -> Callable[[], bool]:
        before = self.fleet.each()
        return lambda: all(now > then + 5 for now, then in zip(self.fleet.each(), before, strict=True))

    def _until(self, condition: Callable[[], bool], otherwise: str) -> str:
        """Empty, or what did not come in time and who ended meanwhile."""
        deadline, ended = time.monotonic() + self.within_s, []
        while not condition():
            ended += self.cluster.anew()
            if time.monotonic() > deadline:
                return "; ".join([otherwise, *ended])
            time.sleep(0.2)
        ended += self.cluster.anew()
        return "; ".join(ended)

    def _order(self) -> str:
        told = self.stored.asked(
            """SELECT (body->>'vehicle_id')::int, name, (body->>'seq')::int FROM kernel_outboxrow
                WHERE name LIKE 'telemetry.stop\\_%' ORDER BY id"""
        )
        return facts_in_order(told)

    def end(self) -> Outcome:
        """After the terminals have ended: everything they sent is there, and no more."""
        sent, acknowledged = sum(self.fleet.sent), self.fleet.acknowledged
        began = time.monotonic()
        note = self._until(lambda: self.stored.counted()[0] >= acknowledged, "not everything was stored")
        settled_s = time.monotonic() - began
        rows, twice = self.stored.counted()
        if not sent == acknowledged == rows:
            note = f"{note} sent {sent}, acknowledged {acknowledged}, stored {rows}"
        lost = sum(map(len, self.stored.missing(self.fleet.times()).values()))
        return Outcome(
            fault="all of them", acked=acknowledged, stored=rows, lost=lost, duplicates=twice, order=self._order(),
            pause_s=0.0, settled_s=round(settled_s, 1), note=note,
        )  # fmt: skip


def trials(options: argparse.Namespace) -> Iterator[Outcome]:
    terminal_link.ANSWER_WITHIN_S = 6.0
    network = Network(options.folder)
    stored = Stored(options.database)
    try:
        cluster = Cluster(network, options.database, options.home)
        cluster.start()
        with Fleet(cluster.addresses, TERMINALS, pause_s=options.pause) as fleet:
            trial = Trial(cluster, stored, fleet, hold_s=options.hold, within_s=60.0)
            if note := trial._until(trial._everybody_goes_on(), "the cluster did not start"):
                raise AssertionError(note)
            for fault in options.faults.split(","):
                yield trial.run(fault)
        yield trial.end()
    finally:
        network.end()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True, help="where it answers on a Unix socket")
    parser.add_argument("--home", type=Path, required=True, help="whose secrets the machines share")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--faults", default=",".join(ALL))
    parser.add_argument("--hold", type=float, default=15.0)
    parser.add_argument("--pause", type=float, default=0.1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        for outcome in trials(options):
            sys.stdout.write(f"{json.dumps(asdict(outcome))}\n")
            sys.stdout.flush()
    except NoNetwork as error:
        sys.stderr.write(
            f"a network of several machines cannot be made here ({error}): run as root, or allow user namespaces\n"
        )
        return CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main())
