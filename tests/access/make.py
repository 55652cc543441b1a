"""Makers: people and principals for tests of any room."""

from itertools import count

from zaitu.access.models import User
from zaitu.access.public import principal_of_user
from zaitu.kernel.principal import Kind, Principal, Right

PASSWORD = "xiexie-zai-tu-8"
_numbers = count(1)


def user(*roles: str, username: str = "", password: str | None = PASSWORD, **fields: object) -> User:
    return User.objects.create_user(
        username=username or f"{roles[0] if roles else 'user'}{next(_numbers)}",
        password=password,
        roles=list(roles),
        **fields,
    )


def staff(*roles: str) -> Principal:
    """A signed-in user with these roles, in the database."""
    return principal_of_user(user(*roles, password=None))  # hashing takes its time: no password


def key_of(customer_code: str, *rights: Right) -> Principal:
    return Principal(
        kind=Kind.CUSTOMER_KEY, name="k2345678", customer_code=customer_code, rights=frozenset(rights)
    )


def link_to(waybill: str, *rights: Right) -> Principal:
    return Principal(kind=Kind.LINK, name="link:1", waybill=waybill, rights=frozenset(rights))
