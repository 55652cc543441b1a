"""The page on which a person says how they want to be told. Whoever has its address may: it stands in their messages."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from zaitu.kernel.addresses import client_network
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.notify import public as notify
from zaitu.portal.misses import misses
from zaitu.ui.preferences import shown, wanted_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    misses.refuse(client_network(request))
    try:
        view = notify.preference_by_link(token=token)
    except NotFound:
        misses.count(client_network(request))
        return render(request, "portal/preferences_gone.html", status=404)
    if request.method != "POST":
        return _page(request, view, view.preference)
    wanted, wrong = wanted_of(request.POST, view)
    try:
        if not wrong:
            notify.preference_put_by_link(token=token, wanted=wanted)
    except Invalid as error:
        wrong = dict(error.fields)
    if wrong:
        return _page(request, view, wanted, wrong=wrong, status=422)
    return HttpResponseRedirect(f"{request.path}?saved=1", status=303)


def _page(
    request: HttpRequest,
    view: notify.PreferenceView,
    preference: notify.Preference,
    *,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    saved = "saved" in request.GET and not wrong
    context = shown(view, preference, wrong or {}) | {"saved": saved}
    return render(request, "portal/preferences.html", context, status=status)
