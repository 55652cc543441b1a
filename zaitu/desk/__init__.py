"""Conversations with customers, the tickets they become, and what people think of the service."""
