"""COPY over Django's connection."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import Copy


@contextmanager
def copying(statement: str, *parameters: Sequence[Any]) -> Iterator[Copy]:
    """A COPY (and its parameters, if it has any) whose errors are Django's, as those of `execute` are: it hands psycopg's `copy` through bare."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement, *parameters) as copy,
    ):
        yield copy
