"""`python -m tests.faults [part of a fault's name]`: each fault under real traffic. Without a name: all, and docs/faults.md is written."""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.faults import box, cluster, troubles
from tests.faults.fleet import make_words
from tests.faults.network import inside
from tests.running import Installation
from zaitu.config.homes import Home
from zaitu.config.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
_HEAD = """# Faults

`make soak` (or `python -m tests.faults`) does all of this under real traffic and writes this page; `python -m tests.faults killed` does
those with that word. Terminals speak JT/T 808, remember what was acknowledged, and send again what was not.
*lost*: acknowledged and not in the table. *twice*: rows with the same terminal, time and content. *pause*: the longest that no terminal at all
was acknowledged. A row tells of the time from one fault to the next; *stored* counts all rows of the run so far.

"""
_BOX_HEAD = """## One machine
`zaitu up` with its own PostgreSQL, {terminals} terminals and a phone over HTTP (`/osmand`). *wait*: from a report to its acknowledgement, of 99 in
100. All are well-behaved terminals, also where others misbehave beside them.

| fault | acknowledged | stored | lost | twice | pause s | wait ms | what happened |
|---|---|---|---|---|---|---|---|
"""
_CLUSTER_HEAD = """
## Several machines
Three NATS servers (three replicas, `sync_interval: always`), two gateways and two `zaitu ingest`, each on a machine of its own (a network namespace, all on
one bridge), PostgreSQL reached over TCP; {terminals} terminals that go to the other gateway when one does not answer. Killed parts are started again
after a second, the others stay stopped (SIGSTOP) or cut off (no packet comes or goes, nobody is told) for {hold:.0f} s. *settled*: from the end of the
fault until every terminal was acknowledged again and all of that was in the table. The facts (stops entered and left) were told once each and in order.

| fault | acknowledged | stored | lost | twice | pause s | settled s | |
|---|---|---|---|---|---|---|---|
"""
_HOLD_S = 15.0


def on_several(folder: Path, only: str) -> list[cluster.Outcome]:
    chosen = [name for name in cluster.ALL if only in name]
    if not chosen:
        return []
    home = Home(folder / "home")
    server = PostgresServer(home)
    server.start()
    try:
        zaitu = Installation(home.path)
        for words in (("migrate",), ("shell", "-v", "0", "-c", make_words(cluster.TERMINALS))):
            done = zaitu.run(*words, timeout=600)
            if done.returncode:
                raise RuntimeError(done.stderr)
        done = inside(
            "tests.faults.cluster",
            [
                "--database", home.database_url(), "--home", home.path, "--folder", folder / "machines",
                "--faults", ",".join(chosen), "--hold", _HOLD_S,
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )  # fmt: skip
    finally:
        server.stop()
    if done.returncode:
        raise RuntimeError(f"the faults of several machines ended with {done.returncode}")
    return [cluster.Outcome(**json.loads(line)) for line in done.stdout.splitlines()]


def _box_row(one: box.Outcome) -> str:
    said = f"**{one.wrong}**" if one.wrong else one.note
    return _row(one.fault, one.acked, one.stored, one.lost, one.duplicates, one.pause_s, one.p99_ms, said)


def _cluster_row(one: cluster.Outcome) -> str:
    said = "" if one.fine else f"**{one.order} {one.note}**"
    return _row(one.fault, one.acked, one.stored, one.lost, one.duplicates, one.pause_s, one.settled_s, said)


def _row(*cells: object) -> str:
    told = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
    return f"| {' | '.join(told)} |"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    only = " ".join(sys.argv[1:])
    boxes, clusters = [], []
    with tempfile.TemporaryDirectory(prefix="zaitu-faults-") as place:
        folder = Path(place)
        folder.chmod(0o711)
        for one in troubles.faults(folder, only):
            boxes.append(one)
            _say(_box_row(one))
        for one in on_several(folder, only):
            clusters.append(one)
            _say(_cluster_row(one))
    if not only:
        PAGE.write_text(
            _HEAD + f"Run of {datetime.now(UTC):%Y-%m-%d}.\n\n"
            + _BOX_HEAD.format(terminals=box.TERMINALS) + "\n".join(map(_box_row, boxes)) + "\n"
            + _CLUSTER_HEAD.format(terminals=cluster.TERMINALS, hold=_HOLD_S) + "\n".join(map(_cluster_row, clusters)) + "\n",
            "utf-8",
        )  # fmt: skip
    return 0 if boxes + clusters and all(one.fine for one in [*boxes, *clusters]) else 1


if __name__ == "__main__":
    sys.exit(main())
