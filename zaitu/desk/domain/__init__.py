"""Rules of conversations: pure."""
