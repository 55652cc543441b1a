"""Conversations with customers: the list, and one of them with its shipment beside it."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zaitu.access import public as access
from zaitu.console.desk import looks
from zaitu.console.door import StaffRequest, done, page_number, query_without_page, show, staff
from zaitu.console.forms import Form
from zaitu.customers import public as customers
from zaitu.desk import public as desk
from zaitu.journey import public as journey
from zaitu.kernel.errors import Conflict, Invalid, NotFound
from zaitu.kernel.pictures import JPEG
from zaitu.kernel.principal import Right

_ASKED: Final = ("q", "state", "kind", "mine")


@require_safe
@staff(Right.DESK_READ)
def conversations(request: StaffRequest) -> HttpResponse:
    """Who waits comes first; HTMX asks for the rows alone."""
    asked = {name: request.GET.get(name, "").strip()[:100] for name in _ASKED}
    mine = {"me": request.actor.name, "nobody": "-"}.get(asked["mine"], "")
    query = desk.ConversationQuery(text=asked["q"], state=asked["state"], kind=asked["kind"], assignee=mine)
    page = desk.conversations(actor=request.actor, query=query, page=page_number(request))
    context = {
        "page": page,
        "names": access.staff_names(
            actor=request.actor, usernames={name for row in page.rows for name in (row.assignee, row.last_by)}
        ),
        "asked": asked,
        "query": query_without_page(request),
        "states": looks.STATE_CHIPS,
        "kinds": [(kind.value, looks.KINDS[kind]) for kind in desk.Kind],
        "filtered": any(asked.values()),
    }
    return show(request, f"console/desk/list.html{'#rows' if request.htmx else ''}", context)


@require_safe
@staff(Right.DESK_READ)
def conversation(request: StaffRequest, conversation_id: int) -> HttpResponse:
    return _page(request, conversation_id)


def _page(
    request: StaffRequest,
    conversation_id: int,
    *,
    form: Form | None = None,
    seen: int | None = None,
    collided: bool = False,
    status: int = 200,
) -> HttpResponse:
    """`seen`: the newest entry that whoever writes has read; what came after it is marked."""
    one = desk.conversation_get(actor=request.actor, conversation_id=conversation_id)
    actors = {entry.author for entry in one.entries} | {one.row.assignee}
    context: dict[str, Any] = {
        "one": one,
        "row": one.row,
        "entries": [_entry(entry, one, seen) for entry in one.entries],
        "tickets": [looks.ticket(ticket) for ticket in one.tickets],
        "waiting": [ticket for ticket in one.tickets if ticket.waiting_since],
        "names": access.staff_names(actor=request.actor, usernames=actors),
        "mine": one.row.assignee == request.actor.name,
        "collided": collided,
        "form": form or Form(),
        "rating": looks.rating(one.rating),
        **_shipment(request, one.row.waybill),
    }
    return show(request, "console/desk/conversation.html", context, status=status)


def _entry(entry: desk.EntryView, one: desk.ConversationView, seen: int | None) -> dict[str, Any]:
    ticket = next((ticket for ticket in one.tickets if ticket.id == entry.ticket_id), None)
    return {
        "one": entry,
        "kind": looks.KINDS[ticket.kind] if ticket and entry.what is desk.What.SAID else "",
        "step": looks.STEPS.get(entry.what, ""),
        "newer": seen is not None and entry.id > seen,
    }


def _shipment(request: StaffRequest, waybill: str) -> dict[str, Any]:
    """What one must know to answer; nothing where the shipment is gone."""
    try:
        found = journey.shipment_page(actor=request.actor, waybill=waybill)
    except NotFound:
        return {"shipment": None}
    code = found.row.customer_code
    named = customers.customer_names(actor=request.actor, codes=[code]) if code else {}
    return {"shipment": found, "customer": named.get(code, code), "events": found.events[:_EVENTS]}


_EVENTS: Final = 4


@require_POST
@staff(Right.DESK_ANSWER)
def answer(request: StaffRequest, conversation_id: int) -> HttpResponse:
    """Answer the customer, or note something for colleagues; what collides with something newer is shown with it."""
    form = Form.posted(request)
    seen = form.any_whole("seen")
    try:
        if form.text("do") == "note":
            desk.note(actor=request.actor, conversation_id=conversation_id, text=form.text("text"))
            done(request, _("备注已保存，客户看不到"))
        else:
            desk.answer(
                actor=request.actor,
                conversation_id=conversation_id,
                text=form.text("text"),
                seen=seen,
                ticket_id=form.any_whole("ticket") if form.text("ticket") else None,
            )
            done(request, _("已回复，并通知了客户"))
    except Conflict:
        return _page(request, conversation_id, form=form, seen=seen, collided=True, status=409)
    except Invalid as error:
        return _page(request, conversation_id, form=form.failed(error), status=422)
    return redirect("console:conversation", conversation_id=conversation_id)


@require_POST
@staff(Right.DESK_ANSWER)
def take(request: StaffRequest, conversation_id: int) -> HttpResponse:
    mine = Form.posted(request).text("do") != "leave"
    desk.take(actor=request.actor, conversation_id=conversation_id, mine=mine)
    done(request, _("由您跟进") if mine else _("已放回待分派"))
    return redirect("console:conversation", conversation_id=conversation_id)


@require_POST
@staff(Right.DESK_ANSWER)
def ticket_move(request: StaffRequest, conversation_id: int, ticket_id: int) -> HttpResponse:
    """Close a ticket, or open it again."""
    form = Form.posted(request)
    about = {"conversation_id": conversation_id, "ticket_id": ticket_id}
    try:
        if form.text("do") == "reopen":
            desk.reopen(actor=request.actor, **about)
            done(request, _("工单已重新打开"))
        else:
            seen, reason = form.any_whole("seen"), form.text("reason")
            desk.close(actor=request.actor, seen=seen, reason=reason, **about)
            done(request, _("工单已关闭"))
    except Conflict:
        return _page(request, conversation_id, seen=form.any_whole("seen"), collided=True, status=409)
    except Invalid as error:
        return _page(request, conversation_id, form=form.failed(error), status=422)
    return redirect("console:conversation", conversation_id=conversation_id)


@require_safe
@staff(Right.DESK_READ)
def news(request: StaffRequest, conversation_id: int) -> HttpResponse:
    """Whether something came since; asked by the open page every quarter of a minute."""
    text = request.GET.get("seen", "")
    seen = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    count = desk.entries_after(actor=request.actor, conversation_id=conversation_id, seen=seen)
    return show(request, "console/desk/news.html", {"count": count})


@require_safe
@staff(Right.DESK_READ)
def photo(request: StaffRequest, file_id: str) -> HttpResponse:
    """Reading it goes on record."""
    content = desk.photo_read(actor=request.actor, file_id=file_id)
    return HttpResponse(content, content_type=JPEG, headers={"X-Content-Type-Options": "nosniff"})
