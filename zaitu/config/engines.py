"""The installation's own PostgreSQL for a single command: the running one, or one started for as long as the command takes."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from zaitu.config.env import env
from zaitu.config.homes import Home
from zaitu.config.postgres import PostgresServer
from zaitu.kernel.errors import Conflict

POSTGRES_LOCK: Final = "postgres"
"""Held by whoever runs the home's server."""
_PATIENCE_S: Final = 60.0


def say(sentence: str) -> None:
    sys.stderr.write(f"zaitu: {sentence}\n")


def answers(home: Home) -> bool:
    """Whether the home's PostgreSQL takes connections."""
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(home.postgres_socket / ".s.PGSQL.5432"))
        except OSError:
            return False
    return True


@contextmanager
def database_for_a_command() -> Iterator[None]:
    """Inside the block the database answers."""
    home = Home(env().home)
    with ExitStack() as stack:
        if not env().database_url and not _held(home, stack):
            server = PostgresServer(home, say=say)
            stack.callback(server.stop)  # first: Ctrl-C may come while it starts
            server.start()
        yield


def _held(home: Home, stack: ExitStack) -> bool:
    """True when another process runs the server; False when it is ours to run, and the lock is held by `stack`."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        if answers(home):
            return True
        try:
            stack.enter_context(home.locked(POSTGRES_LOCK))
        except Conflict:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)  # another process is just starting or stopping it
        else:
            return False
