"""Honest pages for what went wrong; programs get RFC 9457 problem documents instead."""

import json
import sys
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.utils.translation import gettext as _

from zaitu.kernel.errors import ZaituError
from zaitu.network import public as network
from zaitu.ui import problems
from zaitu.ui.context import company_name

PROGRAMS: Final = ("/api/", "/field/api/", "/callbacks/", "/ivr/")
"""Under these nobody but programs asks."""


def for_programs(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAMS)


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks: an API path, or JSON preferred over HTML."""
    if for_programs(request):
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def problem_answer(status: int, document: dict[str, object]) -> HttpResponse:
    """A problem document as a response that nobody stores."""
    body = json.dumps(document, ensure_ascii=False)
    return HttpResponse(
        body, status=status, content_type=problems.MEDIA_TYPE, headers={"Cache-Control": "no-store"}
    )


def error_answer(request: HttpRequest, error: ZaituError) -> HttpResponse:
    """An error of the house as this client can read it."""
    status, document = problems.problem(error)
    if wants_json(request):
        answer = problem_answer(status, document)
    else:
        answer = page(request, status, said=problems.said(error))
    for name, value in problems.headers(error).items():
        answer[name] = value
    return answer


def page(request: HttpRequest, status: int, *, said: str = "") -> HttpResponse:
    """The page for an HTTP status; HTMX gets a message for the place where it asked."""
    words = problems.WORDS.get(status, problems.WORDS[500])
    fragment = bool(getattr(request, "htmx", False))
    template = "ui/problem_part.html" if fragment else "ui/problem.html"
    context = {
        "status": status,
        "title": words.title,
        "advice": words.advice,
        "icon_name": words.icon,
        "said": said,
        # From memory: this page may have to say that the database does not answer.
        "company_name": company_name(network.company_known()),
        "home": _home(request),
    }
    return render(request, template, context, status=status)


def _home(request: HttpRequest) -> str:
    """The first page of the door that was knocked at."""
    door = request.path.split("/")[1]
    return f"/{door}/" if door in _DOORS else "/"


_DOORS: Final = frozenset({"console", "field"})
"""The portal's first page is the root."""


def _answer(request: HttpRequest, status: int, code: str) -> HttpResponse:
    if wants_json(request):
        return problem_answer(status, problems.document(status, code))
    return page(request, status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400, "bad_request")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, "forbidden")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, "not_found")


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    return _answer(request, 405, "method_not_allowed")


def server_error(request: HttpRequest) -> HttpResponse:
    """Must not fail itself: when the page cannot be rendered, plain words. A database that is away is no fault of ours: 503."""
    told = problems.told(sys.exc_info()[1])
    try:
        if told is not None:
            return error_answer(request, told)
        return _answer(request, 500, "server_error")
    except (TemplateDoesNotExist, OSError, KeyError):
        return HttpResponse("系统出错了，请稍后重试。", status=500, content_type="text/plain; charset=utf-8")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is missing or old."""
    said = _("页面已过期，请刷新后再提交一次。")
    if wants_json(request):
        return problem_answer(403, problems.document(403, "csrf_failed", said))
    return page(request, 403, said=said)


def offline(request: HttpRequest) -> HttpResponse:
    """What a service worker keeps for when there is no network."""
    return render(request, "ui/offline.html")
