"""The public API for customers' systems: `/api/v1/`, keys with scopes, RFC 9457 problems."""
