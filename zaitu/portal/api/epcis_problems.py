"""Errors under `/api/v1/epcis/` in the standard's words: RFC 7807 with `type: epcisException:<name>` (EPCIS 2.0 §12.7)."""

import logging
from typing import Final

from django.http import HttpRequest, HttpResponse

from zaitu.epcis.public import EpcisFault
from zaitu.kernel import errors
from zaitu.ui import problems, views

PREFIX: Final = "/api/v1/epcis/"
_STATUS: Final = {
    "ValidationException": 400,
    "QueryParameterException": 400,
    "SecurityException": 403,
    "NoSuchResourceException": 404,
    "NotAcceptableException": 406,
    "ResourceAlreadyExistsException": 409,
    "CaptureLimitExceededException": 413,
    "QueryTooComplexException": 413,
    "QueryTooLargeException": 413,
    "URITooLongException": 414,
    "UnsupportedMediaTypeException": 415,
    "ImplementationException": 500,
}
_OURS: Final[dict[type[errors.ZaituError], str]] = {
    errors.NotAuthenticated: "SecurityException",
    errors.Forbidden: "SecurityException",
    errors.NotFound: "NoSuchResourceException",
    errors.TooLarge: "CaptureLimitExceededException",
    errors.Invalid: "ValidationException",
    errors.Unavailable: "ImplementationException",
}
"""What the standard calls errors of the house. It has no name for being asked too often: that stays ours."""
_BY_STATUS: Final = {
    400: "ValidationException",
    404: "NoSuchResourceException",
    415: "UnsupportedMediaTypeException",
    422: "ValidationException",
    500: "ImplementationException",
}


def ours(request: HttpRequest) -> bool:
    return request.path.startswith(PREFIX)


def answer(request: HttpRequest, error: errors.ZaituError) -> HttpResponse:
    """An error of the house, or one that the standard has a name for."""
    status, body = problems.problem(error)
    if isinstance(error, EpcisFault):
        name: str | None = error.name
        status = _STATUS[error.name]
        body = problems.document(status, error.error_code, problems.said(error))
    else:
        name = next((_OURS[kind] for kind in type(error).__mro__ if kind in _OURS), None)
        status = 400 if status == 422 else status
    if name:
        body |= {"type": f"epcisException:{name}", "status": status}
    response = views.problem_answer(status, body)
    for header, value in problems.headers(error).items():
        response[header] = value
    return response


def by_status(status: int, code: str, detail: str = "") -> HttpResponse:
    """Where there is no error of ours: a route that is none, a body that is no JSON, a mistake."""
    name = _BY_STATUS.get(status)
    status = 400 if status == 422 else status
    body = problems.document(status, code, detail)
    return views.problem_answer(status, body | ({"type": f"epcisException:{name}"} if name else {}))


def mistake(error: Exception) -> HttpResponse:
    """One of ours: on record, and told without its words."""
    logging.getLogger(__name__).error("an EPCIS request failed", exc_info=error)
    return by_status(500, "server_error")
