"""The device gateway: JT/T 808 over TCP.

server    the process: listens, keeps sessions, closes what misbehaves
session   one connection: frames in, answers out
intake    frames of a tick → services.ingest → acknowledgements after commit
database  blocking calls in threads, repeated while PostgreSQL is away
numbers   metrics
"""
