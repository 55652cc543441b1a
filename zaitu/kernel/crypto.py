"""Personal data at rest: AES-256-GCM for values and files, keyed hashes (blind indexes) to find them again.

`ZAITU_DATA_KEY` holds one or more keys, comma separated, newest first: the first encrypts and indexes, by all of them values are
read and found, until `zaitu keys rewrite` has written everything anew (docs/adr/0012).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.lookups import Lookup

_NONCE_BYTES: Final = 12
_KEY_ID_BYTES: Final = 4
_INDEX_BYTES: Final = 16
_SEALED: Final = b"ZTS1"
"""What every sealed content begins with; no image does."""


if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:  # Django's fields take type arguments in the stubs only
    _Text = models.TextField


class Undecipherable(Exception):
    """No key of this installation opens the value: wrong key file, or the value was altered."""


@lru_cache(maxsize=4)
def _keys(data_key: str) -> tuple[bytes, ...]:
    """The master keys, newest first."""
    found = []
    for part in data_key.split(","):
        try:
            key = base64.urlsafe_b64decode(part.strip())
        except binascii.Error as error:
            raise ImproperlyConfigured("ZAITU_DATA_KEY is not URL-safe base64") from error
        if len(key) != 32:
            raise ImproperlyConfigured(f"ZAITU_DATA_KEY: a key has {len(key)} bytes, 32 are needed")
        found.append(key)
    return tuple(found)


@lru_cache(maxsize=64)
def _derived(master: bytes, purpose: str) -> bytes:
    """An independent 32-byte key per purpose, so that a leaked index key opens nothing else."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"zaitu {purpose}".encode()).derive(master)


def _key_id(master: bytes) -> bytes:
    return hashlib.sha256(b"zaitu key id" + master).digest()[:_KEY_ID_BYTES]


@lru_cache(maxsize=8)
def _cipher(master: bytes, purpose: str = "encrypt") -> AESGCM:
    return AESGCM(_derived(master, purpose))


def _master(key_id: bytes) -> bytes:
    """Raises Undecipherable."""
    for master in _keys(settings.ZAITU_DATA_KEY):
        if _key_id(master) == key_id:
            return master
    raise Undecipherable("the key of this value is not configured")


def encrypt(text: str) -> str:
    """A token that differs at each call; the empty text stays empty."""
    if not text:
        return ""
    master = _keys(settings.ZAITU_DATA_KEY)[0]
    key_id, nonce = _key_id(master), secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(master).encrypt(nonce, text.encode(), key_id)
    return base64.urlsafe_b64encode(key_id + nonce + sealed).decode()


def decrypt(token: str) -> str:
    """The text of a token made by `encrypt`; raises Undecipherable."""
    if not token:
        return ""
    try:
        raw = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError):
        raise Undecipherable("not a token") from None
    key_id, nonce = raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES]
    master = _master(key_id)
    try:
        return _cipher(master).decrypt(nonce, raw[_KEY_ID_BYTES + _NONCE_BYTES :], key_id).decode()
    except (InvalidTag, ValueError):
        raise Undecipherable("the value was altered") from None


def seal(content: bytes, name: str) -> bytes:
    """The content of a file as it may lie on a disk, 36 bytes longer; it opens under the same name only."""
    master = _keys(settings.ZAITU_DATA_KEY)[0]
    head, nonce = _SEALED + _key_id(master), secrets.token_bytes(_NONCE_BYTES)
    return head + nonce + _cipher(master, "seal").encrypt(nonce, content, head + name.encode())


def is_sealed(content: bytes) -> bool:
    return content.startswith(_SEALED)


def unseal(content: bytes, name: str) -> bytes:
    """What was sealed under this name; raises Undecipherable."""
    start = len(_SEALED) + _KEY_ID_BYTES
    head, nonce = content[:start], content[start : start + _NONCE_BYTES]
    if not is_sealed(content) or len(nonce) < _NONCE_BYTES:
        raise Undecipherable("not a sealed content")
    cipher = _cipher(_master(head[len(_SEALED) :]), "seal")
    try:
        return cipher.decrypt(nonce, content[start + _NONCE_BYTES :], head + name.encode())
    except InvalidTag:
        raise Undecipherable("the content was altered, or belongs to another name") from None


def blind_index(text: str, purpose: str) -> str:
    """32 hex digits to store beside an encrypted value; equal texts give equal indexes within one purpose and key only."""
    return _index(_keys(settings.ZAITU_DATA_KEY)[0], text, purpose)


def blind_indexes(text: str, purpose: str) -> tuple[str, ...]:
    """What to look a value up by: its index under each key, the newest first, since rows may still have an older one."""
    return tuple(_index(master, text, purpose) for master in _keys(settings.ZAITU_DATA_KEY))


def _index(master: bytes, text: str, purpose: str) -> str:
    key = _derived(master, f"index {purpose}")
    return hmac.new(key, text.encode(), hashlib.sha256).digest()[:_INDEX_BYTES].hex()


def fingerprint(text: str, purpose: str) -> str:
    """40 hex digits to recognise a text by that is kept nowhere: the key's id, and the blind index."""
    return key_ids()[0] + blind_index(text, purpose)


def fingerprint_fits(stored: str, text: str, purpose: str) -> bool:
    """Whether the fingerprint is this text's. An empty one fits all: its key was changed, and its text is kept nowhere."""
    return not stored or stored[-2 * _INDEX_BYTES :] in blind_indexes(text, purpose)


# A change of the key


def key_ids() -> tuple[str, ...]:
    """Eight hex digits of each key, the newest first."""
    return tuple(_key_id(master).hex() for master in _keys(settings.ZAITU_DATA_KEY))


def token_start() -> str:
    """How every token of the newest key begins: as many characters as its id alone decides."""
    return base64.urlsafe_b64encode(_key_id(_keys(settings.ZAITU_DATA_KEY)[0])).decode()[:5]


def sealed_newly(content: bytes) -> bool:
    """Whether a file's content is sealed, and under the newest key."""
    return content.startswith(_SEALED + _key_id(_keys(settings.ZAITU_DATA_KEY)[0]))


class EncryptedTextField(_Text):
    """Text that is only ciphertext in the database, its dumps and its logs. Look it up by a blind index beside it."""

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        return None if value is None else decrypt(value)

    def get_lookup(self, lookup_name: str) -> "type[Lookup[Any]] | None":
        # A token differs at each call, so every other look-up would silently find nothing.
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: look it up by its blind index, not by {lookup_name}")
        return super().get_lookup(lookup_name)
