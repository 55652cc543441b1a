"""Language of a page, addresses with a slash too many or too few, and errors of the house as pages or problem documents."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.encoding import escape_uri_path

from zaitu.kernel import logs
from zaitu.ui import problems, views

LANGUAGE_COOKIE: Final = "zaitu_lang"
LANGUAGES: Final = {"zh": "zh-hans", "en": "en"}
_YEAR_S: Final = 365 * 24 * 3600

log = logs.logger("ui.middleware")
GetResponse = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """Chinese unless the reader chose otherwise: `?lang=en|zh` (kept in a cookie), then the cookie.

    The browser's Accept-Language is not followed: most phones here that ask for English belong to people who read Chinese.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang", "")
        chosen = asked if asked in LANGUAGES else request.COOKIES.get(LANGUAGE_COOKIE, "zh")
        code = LANGUAGES.get(chosen, settings.LANGUAGE_CODE)
        request.LANGUAGE_CODE = code
        with translation.override(code):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", "en" if code == "en" else "zh-Hans")
        if asked in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE,
                asked,
                max_age=_YEAR_S,
                samesite="Lax",
                secure=request.is_secure(),
                httponly=True,
            )
        return response


class SlashMiddleware:
    """An address that has a page with a slash at its end more or less is sent on there; Django's own goes one way only.

    Looks at nothing but the form of addresses, and after the answer: whether a shipment exists, and what lies behind the
    console's gate, is told by neither. Programs get their 404: an address that is nearly right is a mistake in them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code != 404
            or request.method not in {"GET", "HEAD"}
            or views.for_programs(request)
        ):
            return response
        other = request.path_info.rstrip("/")
        if other == request.path_info:
            other += "/"
        if _has_page(request.path_info) or not _has_page(other):
            return response
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(escape_uri_path(other) + (f"?{query}" if query else ""))


def _has_page(path: str) -> bool:
    """Whether a path leads to a view, and not to the one of a door that answers for all other addresses."""
    try:
        return not resolve(path).route.endswith("<path:rest>")
    except Resolver404:
        return False


class ProblemMiddleware:
    """An error of the house raised by a view becomes a page, or problem+json for programs.

    An address with a NUL in it is a bad request: nobody means one, and PostgreSQL takes none.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return views.bad_request(request)
        response = self.get_response(request)
        if response.status_code != 405:
            return response
        # Django says nothing but the number; somebody may have come by an address that only a form is sent to.
        refused = views.method_not_allowed(request)
        if "Allow" in response:
            refused["Allow"] = response["Allow"]
        return refused

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django calls this for what a view raised; None leaves other errors to Django."""
        told = problems.told(error)
        if told is not error and told is not None:
            log.error("the database does not answer", path=request.path, exc_info=error)
        return views.error_answer(request, told) if told is not None else None
