"""Writes of the journey: one business fact, one transaction."""
