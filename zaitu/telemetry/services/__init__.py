"""Writes of telemetry, one module per subject."""
