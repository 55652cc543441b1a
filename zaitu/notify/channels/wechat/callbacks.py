"""What WeChat pushes to us: is it WeChat, what does it say. Pure: the query and the bytes in, an event out.

Service accounts push XML, mini-programs XML or JSON, both plain or encrypted (AES-256-CBC, PKCS#7 over blocks of 32).
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.parsers import expat

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from zaitu.notify.channels.wechat.limits import CALLBACK_BYTES, CALLBACK_WINDOW_S

_BLOCK: Final = 32
_RANDOM, _LENGTH = 16, 4
_DEPTH: Final = 8


class Forged(Exception):
    """It is not WeChat's, or a thing of the past told again."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What WeChat and we alone know of one app."""

    token: str
    aes_key: str
    """EncodingAESKey; empty: messages come plain."""
    appid: str


def verified(query: Mapping[str, str], secrets: Secrets, *, now: datetime) -> None:
    """Raises Forged unless WeChat has signed the query within `CALLBACK_WINDOW_S` of now."""
    if not secrets.token:
        raise Forged("no token is set")
    _same(query.get("signature", ""), signature(secrets.token, _timely(query, now), query.get("nonce", "")))


def opened(query: Mapping[str, str], body: bytes, secrets: Secrets, *, now: datetime) -> dict[str, Any]:
    """The message as a dictionary; raises Forged for what is not WeChat's, and for what nobody can read."""
    if not secrets.token:
        raise Forged("no token is set")
    if len(body) > CALLBACK_BYTES:
        raise Forged("it is too long")
    if not secrets.aes_key:
        verified(query, secrets, now=now)
        return _read(body)
    # Once a key is set, plain messages are refused: anybody who has seen one signed query could write another body to it.
    sealed = _read(body).get("Encrypt")
    if not isinstance(sealed, str):
        raise Forged("it is not encrypted")
    timestamp = _timely(query, now)
    _same(query.get("msg_signature", ""), signature(secrets.token, timestamp, query.get("nonce", ""), sealed))
    return _read(decrypted(sealed, secrets))


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def decrypted(sealed: str, secrets: Secrets) -> bytes:
    """Raises Forged: not encrypted under this key, or for another app."""
    try:
        key = base64.b64decode(f"{secrets.aes_key}=")
        raw = base64.b64decode(sealed, validate=True)
        cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = cipher.update(raw) + cipher.finalize()
    except (binascii.Error, ValueError):
        raise Forged("it cannot be decrypted") from None
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise Forged("it cannot be decrypted")
    plain = plain[_RANDOM:-padding]
    length = int.from_bytes(plain[:_LENGTH], "big")
    message, appid = plain[_LENGTH : _LENGTH + length], plain[_LENGTH + length :]
    if len(message) != length or not hmac.compare_digest(appid, secrets.appid.encode()):
        raise Forged("it is for another app")
    return message


def encrypted(message: bytes, secrets: Secrets, *, random: bytes) -> str:
    """The other direction, as WeChat does it; `random`: 16 bytes."""
    key = base64.b64decode(f"{secrets.aes_key}=")
    plain = random + len(message).to_bytes(_LENGTH, "big") + message + secrets.appid.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    raw = cipher.update(plain + bytes([padding]) * padding) + cipher.finalize()
    return base64.b64encode(raw).decode()


def _timely(query: Mapping[str, str], now: datetime) -> str:
    """The timestamp; raises Forged when it is not of the present, or there is no nonce."""
    timestamp = query.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12) or not query.get("nonce"):
        raise Forged("it is not signed")
    if abs(now.timestamp() - int(timestamp)) > CALLBACK_WINDOW_S:
        raise Forged("it is not of this moment")
    return timestamp


def _same(given: str, right: str) -> None:
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise Forged("its signature is wrong")


# The two shapes of a message


def _read(body: bytes) -> dict[str, Any]:
    try:
        if body.lstrip()[:1] == b"{":
            found = json.loads(body)
            return found if isinstance(found, dict) else {}
        return xml_read(body)
    except (ValueError, RecursionError, expat.ExpatError):
        raise Forged("nobody can read it") from None


def xml_read(body: bytes) -> dict[str, Any]:
    """The children of the root: texts, dictionaries, or lists where a name comes several times. Raises ValueError, ExpatError.

    Document types are refused, and with them every entity: none of WeChat's messages has one.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.Parse(body, True)  # noqa: FBT003  expat's own
    return reader.root


def _refuse(*_: object) -> None:
    raise ValueError("a document type")


class _Reader:
    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[dict[str, Any]] = []
        self._texts: list[str] = []

    def start(self, _name: str, _attributes: object) -> None:
        if len(self._open) >= _DEPTH:
            raise ValueError("it is too deep")
        self._open.append({})
        self._texts.append("")

    def text(self, text: str) -> None:
        if self._texts:
            self._texts[-1] += text

    def end(self, name: str) -> None:
        inside, text = self._open.pop(), self._texts.pop().strip()
        value: Any = inside or text
        if not self._open:
            self.root = inside
            return
        outer = self._open[-1]
        if name not in outer:
            outer[name] = value
        elif isinstance(outer[name], list):
            outer[name].append(value)
        else:
            outer[name] = [outer[name], value]
