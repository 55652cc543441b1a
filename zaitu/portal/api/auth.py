"""Who calls: a customer's key in `Authorization: Bearer …`, its scopes and its rate."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.http import HttpRequest
from ninja.security import HttpBearer

from zaitu.access.public import key_rate_per_min, principal_of_key
from zaitu.kernel.errors import Forbidden, NotAuthenticated, TooLarge
from zaitu.kernel.principal import Principal
from zaitu.portal import rates

T = TypeVar("T")
BODY_MAX_BYTES: Final = 256 * 1024


class KeyRequest(HttpRequest):
    """A request that a key has been checked for."""

    auth: Principal


class Key(HttpBearer):
    """A customer's or partner's API key, with a body of so many bytes at most."""

    def __init__(self, body_max_bytes: int = BODY_MAX_BYTES) -> None:
        super().__init__()
        self._body_max_bytes = body_max_bytes

    def __call__(self, request: HttpRequest) -> Principal:
        holder = super().__call__(request)
        if not isinstance(holder, Principal):
            raise NotAuthenticated("请在 Authorization 请求头中提供密钥：Bearer <密钥>")
        return holder

    def authenticate(self, request: HttpRequest, token: str) -> Principal:
        holder = principal_of_key(token)
        rates.must_wait(rates.rate_of(holder.name, key_rate_per_min(token)).ask())
        if len(request.body) > self._body_max_bytes:
            raise TooLarge(f"请求内容超过 {self._body_max_bytes // 1024} KB")
        return holder


def token_of(request: HttpRequest) -> str:
    """The key itself, of a request it has been checked for."""
    return request.headers["Authorization"].partition(" ")[2].strip()


def scope(name: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Refuse keys without this scope (Forbidden)."""

    def decorate(view: Callable[..., T]) -> Callable[..., T]:
        @wraps(view)
        def checked(request: KeyRequest, *values: Any, **named: Any) -> T:
            if name not in request.auth.scopes:
                raise Forbidden(f"这个密钥没有 {name} 权限")
            return view(request, *values, **named)

        return checked

    return decorate
