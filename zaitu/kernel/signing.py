"""Signed, expiring, purpose-bound tokens for addresses: nothing is stored, nothing can be altered."""

from typing import Any

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from zaitu.kernel import clock
from zaitu.kernel.errors import NotFound


class TokenRefused(NotFound):
    """The token was altered, was made for another purpose, or has expired: which, is not told."""

    code = "link_refused"

    def __init__(self) -> None:
        super().__init__("链接无效或已过期，请索取新链接")


def sign(payload: dict[str, Any], purpose: str, ttl_s: int) -> str:
    """A URL-safe token of a JSON payload (readable by anyone: no personal data), good for `ttl_s` seconds."""
    if ttl_s <= 0:
        raise ValueError(f"a token must live some time: {ttl_s} s")
    until = int(clock.now().timestamp()) + ttl_s
    return signing.dumps({"p": payload, "u": until}, salt=f"zaitu.{purpose}")


def unsign(token: str, purpose: str) -> dict[str, Any]:
    """The payload; raises TokenRefused when altered, made for another purpose, or expired: one answer for all."""
    try:
        signed: dict[str, Any] = signing.loads(token, salt=f"zaitu.{purpose}")
        payload: dict[str, Any] = signed["p"]
        until: int = signed["u"]
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise TokenRefused from None
    if clock.now().timestamp() >= until:
        raise TokenRefused
    return payload


def fixed(purpose: str) -> str:
    """40 hex digits that only this installation can make, the same each time: the secret part of an address of ours."""
    return salted_hmac(f"zaitu.fixed.{purpose}", "", algorithm="sha256").hexdigest()[:40]


def is_fixed(token: str, purpose: str) -> bool:
    """Whether this is it, in a time that tells nothing of where it differs."""
    return constant_time_compare(token, fixed(purpose))
