"""Users, roles, teams, API keys, signed links and the audit of writes and reads."""
