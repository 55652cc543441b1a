"""Gateway → NATS JetStream → workers, all on the same cores: what is published and stored, until the last row is in the table."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.installation import free_ports
from benchmarks.telemetry_stack import Stack, listening

SHARDS: Final = 4
_STORED_WITHIN_S: Final = 300
_CLI: Final = (sys.executable, "-m", "zaitu.config.cli")


@contextmanager
def streaming(stack: Stack, workers: int) -> Iterator[list[int]]:
    """A NATS server that syncs before it acknowledges, a gateway that publishes, so many `zaitu ingest`; the gateway's port."""
    nats, monitor, port = free_ports(3)
    folder = stack.home / "nats"
    folder.mkdir(exist_ok=True)
    config = folder / f"{nats}.conf"
    config.write_text(
        f'host: 127.0.0.1\nport: {nats}\nhttp: "127.0.0.1:{monitor}"\n'
        f'jetstream {{ store_dir: "{folder}/{nats}", sync_interval: always, max_file_store: 4GB }}\n',
        "utf-8",
    )
    before = stack.environment
    stack.environment = before | {
        "ZAITU_NATS_URL": f"nats://127.0.0.1:{nats}",
        "ZAITU_NATS_MONITOR_URL": f"http://127.0.0.1:{monitor}",
        "ZAITU_NATS_SHARDS": str(SHARDS),
        "ZAITU_NATS_STREAM_MB": "2048",
    }
    server = [str(Path(sys.executable).with_name("nats-server")), "-c", str(config)]
    parts = (["bus"], ["gateway", "--port", str(port)], *(["ingest"] for _ in range(workers)))
    try:
        with stack.running([server, *([*_CLI, *words] for words in parts)]) as processes:
            stack.processes = processes[2:]
            listening(port, processes)
            yield [port]
    finally:
        stack.environment = before


def stored_s(stack: Stack, rows: int) -> float:
    """Seconds until so many rows are in the table; raises RuntimeError when they are not within five minutes."""
    began = time.monotonic()
    while (found := stack.count()) < rows:
        if time.monotonic() - began > _STORED_WITHIN_S:
            raise RuntimeError(f"{found} of {rows} rows were stored within {_STORED_WITHIN_S} s")
        time.sleep(0.05)
    return time.monotonic() - began


def server_version() -> str:
    """As it tells it: `v2.15.1`."""
    program = Path(sys.executable).with_name("nats-server")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]
