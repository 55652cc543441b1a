"""Whether the database has the tables this version needs, and making them."""

import time
from pathlib import Path
from typing import Final

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.utils import OperationalError, ProgrammingError

from zaitu.kernel.errors import Unavailable

_LOCK: Final = 0x5A41_4954
"""Advisory lock: two machines that start together migrate one after the other."""
_ANSWER_S: Final = 20.0


def shipped() -> frozenset[tuple[str, str]]:
    """(app, name) of every migration of this version, by its files: importing them all takes longer than a start may."""
    return frozenset(
        (config.label, path.stem)
        for config in apps.get_app_configs()
        for path in Path(config.path, "migrations").glob("*.py")
        if path.stem != "__init__"
    )


def applied() -> frozenset[tuple[str, str]]:
    """What the database says it has; empty for a new one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            return frozenset(cursor.fetchall())
    except ProgrammingError:
        return frozenset()


def migrate() -> bool:
    """Make the missing tables; False when none were. Raises Unavailable when the database does not answer."""
    _wait_for_database()
    if shipped() <= applied():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return True


def _wait_for_database() -> None:
    deadline = time.monotonic() + _ANSWER_S
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"数据库没有应答：{str(error).splitlines()[0]}") from None
            time.sleep(0.5)
        else:
            return
