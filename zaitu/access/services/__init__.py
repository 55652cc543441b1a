"""Writes of access, one module per subject."""
