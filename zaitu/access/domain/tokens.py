"""The shapes of API keys and link tokens, and their hashes. The caller brings the randomness.

A key reads `zk_<prefix>_<secret>`: eight public characters, then 256 random bits. A plain SHA-256 is enough for
secrets of this size (there is nothing to guess), and cheap enough for every API call, which Argon2 is not.
"""

import hashlib
from typing import Final

KEY_MARK: Final = "zk"
"""Lets secret scanners find a leaked key."""
PREFIX_LENGTH: Final = 8
_RAW_MAX: Final = 100


def key_text(prefix: str, secret: str) -> str:
    return f"{KEY_MARK}_{prefix}_{secret}"


def key_prefix(raw: str) -> str | None:
    """The public part of a presented key, or None when it cannot be a key of ours."""
    if len(raw) > _RAW_MAX or not raw.isascii():
        return None
    mark, _, rest = raw.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != KEY_MARK or len(prefix) != PREFIX_LENGTH or not prefix.isalnum() or not secret:
        return None
    return prefix


def token_hash(raw: str) -> str:
    """SHA-256 in hex: what the table keeps instead of a key or link token."""
    return hashlib.sha256(raw.encode(errors="backslashreplace")).hexdigest()
