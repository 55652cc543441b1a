"""Writes of the network: one business fact, one transaction."""
