"""E-mail through one SMTP server."""
