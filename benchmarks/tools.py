"""The generator and the yardstick: wrk and nginx from Debian's packages."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.records import ROOT

CONNECTIONS: Final = 32
SECONDS: Final = 5

# Numbers in `wrk` are per second and in total; an answer that is not 2xx or 3xx is told on a line of its own.
_RATE: Final = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
_WRONG: Final = re.compile(r"^\s*(Non-2xx or 3xx responses: .*|Socket errors: .*)$", re.MULTILINE)
_ANSWERS: Final = re.compile(r"^\s*(\d+) requests in", re.MULTILINE)
_WAIT: Final = re.compile(r"^\s+99%\s+([\d.]+)(us|ms|s)", re.MULTILINE)
_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    rate: float
    """Answers a second."""
    answers: int
    p99_ms: float


def program(name: str) -> str:
    """Where it is; installed when it may be, else one clear sentence."""
    places = [shutil.which(name), str(ROOT / ".venv" / name / "usr" / "sbin" / name)]
    found = next((place for place in places if place and os.access(place, os.X_OK)), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", name]):
            subprocess.run(["apt-get", *words], env=environment, stdout=subprocess.DEVNULL, check=False)
        found = shutil.which(name)
    if found is None:
        raise SystemExit(
            f"make bench needs {name}. Install it (Debian, Ubuntu: apt-get install {name}) and run again."
        )
    return found


def load(url: str, *, seconds: int = SECONDS, paths: Sequence[str] = (), folder: Path) -> Load:
    """Ask as fast as 32 connections get answers, each waiting for its answer before it asks again (no pipelining).

    `paths`: asked one after the other, round and round, instead of the address's own. Raises RuntimeError for any
    answer that is not 2xx: a refusal is fast and would flatter.
    """
    words = [program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    if paths:
        listed, script = folder / "paths.txt", folder / "paths.lua"
        listed.write_text("\n".join(paths), encoding="ascii")
        script.write_text(_EACH_PATH % str(listed), encoding="ascii")
        words += ["-s", str(script)]
    said = subprocess.run([*words, url], capture_output=True, text=True, check=True).stdout
    wrong, rate, wait = _WRONG.search(said), _RATE.search(said), _WAIT.search(said)
    answers = _ANSWERS.search(said)
    if wrong or rate is None or wait is None or answers is None:
        raise RuntimeError(f"{url}: {wrong[1] if wrong else said}")
    return Load(rate=float(rate[1]), answers=int(answers[1]), p99_ms=round(float(wait[1]) * _MS[wait[2]], 3))


_EACH_PATH: Final = """
local requests, last = {}, 0
init = function()
  for path in io.lines("%s") do requests[#requests + 1] = wrk.format("GET", path) end
end
request = function()
  last = last %% #requests + 1
  return requests[last]
end
"""


@contextmanager
def nginx(folder: Path, port: int, body: bytes) -> Iterator[str]:
    """The address of a file of that content, served by one nginx process without logs."""
    (folder / "file.json").write_bytes(body)
    settings = folder / "nginx.conf"
    settings.write_text(
        f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
user root;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; open_file_cache max=16;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
""",
        encoding="utf-8",
    )
    process = subprocess.Popen([program("nginx"), "-e", "stderr", "-c", str(settings), "-p", str(folder)])
    try:
        yield f"http://127.0.0.1:{port}/file.json"
    finally:
        process.terminate()
        process.wait(10)
