"""Reads of the journey."""
