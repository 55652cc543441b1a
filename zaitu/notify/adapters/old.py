"""Deleting old messages, many at a time."""

from datetime import datetime
from typing import Final

from django.db import connection

# One statement, so that tries and their message go together; the ORM would read every row first.
_DELETE: Final = """
    WITH old AS MATERIALIZED (
        SELECT id FROM notify_message WHERE blanked_at IS NOT NULL AND created_at < %s
        ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
    ), tries AS (DELETE FROM notify_attempt USING old WHERE message_id = old.id)
    DELETE FROM notify_message m USING old WHERE m.id = old.id
"""


def messages_delete(*, before: datetime, at_most: int) -> int:
    """Delete the oldest messages that have been blanked and were written before; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [before, at_most])
        return int(cursor.rowcount)
