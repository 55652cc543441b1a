"""Terminals, their bytes, positions and the facts found in them."""
