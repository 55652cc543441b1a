"""What every page of the console does first: who is asking, and may they; and what every page shows around its own."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from zaitu.access.public import RIGHTS, STAFF_ROLES, request_principal
from zaitu.console.navigation import navigation
from zaitu.console.words import right_name, role_name, understood
from zaitu.kernel.errors import NotAuthenticated, ZaituError
from zaitu.kernel.principal import Principal, Right
from zaitu.ui import problems


class StaffRequest(HttpRequest):
    """A request whose sender is known and may open the page."""

    actor: Principal
    htmx: HtmxDetails


class View(Protocol):
    def __call__(self, request: StaffRequest, /, *args: Any, **kwargs: Any) -> HttpResponse: ...


def staff(*any_of: Right) -> Callable[[View], Callable[..., HttpResponse]]:
    """Open to signed-in users who have one of the rights (no right named: to all of them).

    Others are sent to sign in, or told which roles may. Errors of the house are shown inside the console.
    """

    def decorate(view: View) -> Callable[..., HttpResponse]:
        @wraps(view)
        def opened(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                request.actor = request_principal(request)
            except NotAuthenticated:
                return _to_sign_in(request)
            if any_of and not any(request.actor.can(right) for right in any_of):
                return refused(request, any_of[0])
            try:
                return view(request, *args, **kwargs)
            except ZaituError as error:
                return problem(request, error)

        opened.rights = any_of  # type: ignore[attr-defined]  # read by the test of every role against every page
        return never_cache(opened)

    return decorate


def show(
    request: StaffRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page with navigation; HTMX asks for a part by `template#part` and gets that alone."""
    around = {
        "actor": request.actor,
        "navigation": navigation(request.actor, request.path),
        "can": _Can(request.actor),
    }
    return render(request, template, {**around, **(context or {})}, status=status)


def refused(request: StaffRequest, right: Right) -> HttpResponse:
    """The page that says what is missing and who has it."""
    allowed = [role_name(role) for role in RIGHTS if role in STAFF_ROLES and right in RIGHTS[role]]
    mine = [role_name(role) for role in RIGHTS if role.value in request.actor.roles]
    context = {"right": right_name(right), "allowed": allowed, "mine": mine}
    template = "console/parts/refused.html" if request.htmx else "console/refused.html"
    return show(request, template, context, status=403)


def problem(request: StaffRequest, error: ZaituError) -> HttpResponse:
    """An error of the house in words, inside the console."""
    status = problems.status_of(error)
    words = problems.WORDS.get(status, problems.WORDS[500])
    context = {
        "title": words.title,
        "advice": _("请核对网址或编号，或用上面的搜索查找。") if status == 404 else words.advice,
        "icon_name": words.icon,
        "said": understood(problems.said(error)),
        "fields": getattr(error, "fields", {}),
    }
    template = "ui/problem_part.html" if request.htmx else "console/problem.html"
    answer = show(request, template, context, status=status)
    for name, value in problems.headers(error).items():
        answer[name] = value
    return answer


def done(request: HttpRequest, text: str) -> None:
    """Say on the next page what was done."""
    messages.info(request, text, extra_tags="done")


def page_number(request: HttpRequest) -> int:
    """`?page=`, 1 for anything else; far pages are simply empty."""
    text = request.GET.get("page", "")
    return min(int(text), 100_000) if text.isascii() and text.isdigit() and text != "0" else 1


def query_without_page(request: HttpRequest) -> str:
    """The other parameters, encoded, for links that turn the page."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


def _to_sign_in(request: StaffRequest) -> HttpResponse:
    back = (
        request.get_full_path()
        if request.method in {"GET", "HEAD"} and not request.htmx
        else reverse("console:home")
    )
    address = f"{reverse('console:sign-in')}?{urlencode({'next': back})}"
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


class _Can:
    """`{% if can.orders_create %}` in templates."""

    def __init__(self, actor: Principal) -> None:
        self._actor = actor

    def __getitem__(self, name: str) -> bool:
        return self._actor.can(Right[name.upper()])
