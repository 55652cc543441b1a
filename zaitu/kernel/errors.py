"""Errors of the house. Rooms raise these; only doors know HTTP numbers.

ZaituError
├── NotAuthenticated      who are you?
├── Forbidden             you may not
├── NotFound              no such thing, or not yours: the same answer on purpose
├── Invalid               the input is wrong; `fields` says where
├── RuleBroken            the input is fine, the state does not allow it
│   └── Conflict          somebody else changed it meanwhile
├── TooLarge              over a stated limit
├── RateLimited           too often; `retry_after_s`
└── Unavailable           a part we need does not answer; try again, perhaps after `retry_after_s`
"""

from collections.abc import Mapping
from typing import ClassVar


class ZaituError(Exception):
    """Something a caller can be told."""

    code: ClassVar[str] = "error"
    """Stable name in the public API; never renamed."""

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.error_code = code or self.code
        super().__init__(self.message)

    @property
    def sentence(self) -> str:
        """All there is to say, for a place without fields: a command line, a log."""
        return self.message


class NotAuthenticated(ZaituError):
    """Sign in, or send a valid key."""

    code = "not_authenticated"


class Forbidden(ZaituError):
    """You may not do this."""

    code = "forbidden"


class NotFound(ZaituError):
    """There is no such thing here."""

    code = "not_found"


class Invalid(ZaituError):
    """The input is not valid."""

    code = "invalid"

    def __init__(
        self, message: str = "", *, fields: Mapping[str, str] | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.fields = dict(fields or {})
        """Field name → what is wrong with it."""

    @property
    def sentence(self) -> str:
        more = dict.fromkeys(text for text in self.fields.values() if text not in self.message)
        return "：".join(filter(None, [self.message, "；".join(more)]))


class RuleBroken(ZaituError):
    """The present state does not allow this."""

    code = "rule_broken"


class Conflict(RuleBroken):
    """Somebody else changed this meanwhile; look again."""

    code = "conflict"


class TooLarge(ZaituError):
    """This is larger than allowed."""

    code = "too_large"


class RateLimited(ZaituError):
    """Too many attempts; wait a little."""

    code = "rate_limited"

    def __init__(self, message: str = "", *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(ZaituError):
    """A part this needs does not answer; try again."""

    code = "unavailable"

    def __init__(
        self, message: str = "", *, retry_after_s: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s
