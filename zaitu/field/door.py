"""What every request of the field app meets first: who is asking; errors as problem documents that a phone can act on."""

import errno
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final, Protocol

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from zaitu.access.public import request_principal
from zaitu.kernel.errors import ZaituError
from zaitu.kernel.principal import Principal
from zaitu.ui import problems
from zaitu.ui.views import error_answer, problem_answer

DISK_FULL_STATUS: Final = 507
DISK_FULL: Final = "服务器存储空间已满，内容还在手机里，腾出空间后会自动上传；请通知管理员"
_FULL_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_SQLSTATES: Final = frozenset({"53100"})
"""PostgreSQL's disk_full."""


class FieldRequest(HttpRequest):
    """A request whose sender is known."""

    actor: Principal


class View(Protocol):
    def __call__(self, request: FieldRequest, /, *args: Any, **kwargs: Any) -> dict[str, Any]: ...


def api(*methods: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """A JSON answer for signed-in people; whatever goes wrong is a problem document, never a page."""

    def decorate(view: View) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answered(request: FieldRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                request.actor = request_principal(request)
                return JsonResponse(view(request, *args, **kwargs))
            except (ZaituError, OSError, DatabaseError) as error:
                if disk_is_full(error):
                    document = problems.document(DISK_FULL_STATUS, "disk_full", DISK_FULL)
                    return problem_answer(DISK_FULL_STATUS, document)
                if not isinstance(error, ZaituError):
                    raise
                return error_answer(request, error)

        return require_http_methods(list(methods))(never_cache(answered))

    return decorate


def disk_is_full(error: BaseException) -> bool:
    """Whether no space is what lies behind it, at our files or at the database's."""
    return any(
        (isinstance(cause, OSError) and cause.errno in _FULL_ERRORS)
        or getattr(cause, "sqlstate", None) in _FULL_SQLSTATES
        for cause in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
