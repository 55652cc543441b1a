"""Calls of the hotline: who waits for a person, and the record."""
