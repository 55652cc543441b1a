"""Telemetry's rows in PostgreSQL, where the ORM would be too slow or has no words for it."""
