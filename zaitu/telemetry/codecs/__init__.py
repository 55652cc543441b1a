"""Devices' languages: pure functions from bytes to fixes and back. No clock, no sockets, no database."""
