"""Stations, lines, vehicles, drivers, terminal bindings and service products."""
