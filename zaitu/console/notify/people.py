"""How a person wants to be told, set by staff who speak with them."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.principal import Right
from zaitu.notify import public as notify
from zaitu.ui.preferences import CHANNELS, shown, wanted_of


@require_http_methods(["GET", "HEAD", "POST"])
@staff(Right.CUSTOMERS_EDIT)
def preferences(request: StaffRequest, person: str) -> HttpResponse:
    """The form; a POST keeps it, or takes a closed way up again (`open`)."""
    view = notify.preference_of(actor=request.actor, person=person)
    waybill = request.GET.get("from", "")
    if request.method != "POST":
        return _page(request, view, view.preference, waybill)
    if "open" in request.POST:
        _way_open(request, person)
        return redirect(request.get_full_path())
    wanted, wrong = wanted_of(request.POST, view)
    try:
        if not wrong:
            notify.preference_put(actor=request.actor, person=person, wanted=wanted)
    except Invalid as error:
        wrong = dict(error.fields)
    if wrong:
        return _page(request, view, wanted, waybill, wrong)
    done(request, _("通知设置已保存"))
    return redirect(request.get_full_path())


def _way_open(request: StaffRequest, person: str) -> None:
    try:
        channel = notify.Channel(request.POST["open"])
    except ValueError:
        raise NotFound from None
    notify.way_open(actor=request.actor, person=person, channel=channel)
    done(request, _("%(channel)s已恢复") % {"channel": CHANNELS[channel.value]})


def _page(
    request: StaffRequest,
    view: notify.PreferenceView,
    preference: notify.Preference,
    waybill: str,
    wrong: dict[str, str] | None = None,
) -> HttpResponse:
    context = shown(view, preference, wrong or {}) | {
        "back": waybill,
        "reopenable": [(one.value, CHANNELS[one.value]) for one in view.closed if one.value in CHANNELS],
    }
    return show(request, "console/notify/preferences.html", context, status=422 if wrong else 200)
