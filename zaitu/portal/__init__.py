"""The door for customers and their systems: tracking page and public API."""
