"""Asking a terminal for something, and the list of what it was asked."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.forms import Form
from zaitu.console.telemetry.asking import KINDS, SENDERS, asked, group
from zaitu.console.telemetry.terminal import page
from zaitu.kernel.errors import Conflict, Invalid, NotFound
from zaitu.telemetry import public as telemetry


@require_safe
@staff(*SENDERS)
def history(request: StaffRequest, terminal: str) -> HttpResponse:
    """The table alone; it asks for itself again and again."""
    return show(request, "console/telemetry/commands.html", asked(request, terminal))


@require_POST
@staff(*SENDERS)
def send(request: StaffRequest, terminal: str) -> HttpResponse:
    form = Form.posted(request)
    kind = form.text("kind")
    try:
        telemetry.command_send(
            actor=request.actor, terminal=terminal, kind=kind, parameters=dict(form.values)
        )
    except Invalid as error:
        return page(request, terminal, Form(), asked_wrong={group(kind): form.failed(error)}, status=422)
    except Conflict as error:
        full = form.failed(Invalid(error.message))
        return page(request, terminal, Form(), asked_wrong={group(kind): full}, status=409)
    except NotFound as error:
        # A station or line; the page misses the terminal by itself.
        field = "line" if kind.startswith("route") else "station"
        wrong = form.failed(Invalid(error.message, fields={field: _("没有找到，请从列表中选择")}))
        return page(request, terminal, Form(), asked_wrong={group(kind): wrong}, status=422)
    done(request, _("指令已排队：%(kind)s。下面的记录会自动更新。") % {"kind": KINDS[kind]})
    return redirect("console:terminal", terminal=terminal)
