"""What a party sends from the tracking page: words, requests, complaints, ratings; and the photos that came with them."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from zaitu.access.public import tail_principal
from zaitu.desk import public as desk
from zaitu.journey import public as journey
from zaitu.kernel import limits, pictures, signing
from zaitu.kernel.addresses import client_network
from zaitu.kernel.errors import Invalid, NotFound, RateLimited, RuleBroken, TooLarge, Unavailable, ZaituError
from zaitu.portal import talks
from zaitu.portal.pages import views
from zaitu.ui import problems

PER_ADDRESS: Final = 30
"""Words and ratings of one address in an hour, over all shipments."""
_WINDOW_S: Final = 3600
_FIELDS: Final = {
    "text": gettext_lazy("请写下内容，不要太长"),
    "role": gettext_lazy("请选择您是收货人还是发货人"),
    "change": gettext_lazy("请选择要改什么"),
    "day": gettext_lazy("请选择 30 天内的日期"),
    "slot": gettext_lazy("请选择时段"),
    "address": gettext_lazy("请填写新地址（5–200 个字）"),
    "name": gettext_lazy("请填写收货人姓名"),
    "phone": gettext_lazy("请填写正确的手机号"),
    "place": gettext_lazy("请填写放置位置（2–100 个字）"),
    "photos": gettext_lazy("最多 5 张照片，须为 JPEG、PNG 或 WebP"),
    "stars": gettext_lazy("请选择 1–5 颗星"),
}
_SAID: Final = (
    (RateLimited, gettext_lazy("发得太多了，请过一会儿再发，或拨打客服热线。")),
    (TooLarge, gettext_lazy("照片太大，请缩小后再发（每张不超过 12 MB）。")),
    (RuleBroken, gettext_lazy("现在不能评价，或已经评价过了。")),
    (Unavailable, gettext_lazy("没有保存成功，请稍后再试。")),
)


@never_cache
@require_POST
def talk(request: HttpRequest, number: str) -> HttpResponse:
    """A question, request, complaint, or more of what was said before."""
    asked = request.POST.get("kind", "")
    kind = desk.Kind(asked) if asked in {known.value for known in desk.Kind} else None

    def said(page: "journey.TrackedPage", visitor: desk.Visitor) -> None:
        words = desk.Words(
            kind=kind,
            text=_typed(request, "text"),
            photos=_photos(request),
            change=_typed(request, "change"),
            fields={name: _field(request, name) for name in talks.FIELDS},
            role=_typed(request, "role"),
        )
        waybill = page.tracked.waybill
        desk.say(actor=tail_principal(waybill), waybill=waybill, visitor=visitor, words=words)

    return _sent(request, number, form=kind.value if kind else "more", act=said)


@never_cache
@require_POST
def rate(request: HttpRequest, number: str) -> HttpResponse:
    stars = _typed(request, "stars")

    def rated(page: "journey.TrackedPage", visitor: desk.Visitor) -> None:
        given = desk.Stars(
            stars=int(stars) if stars in {"1", "2", "3", "4", "5"} else 0,
            reasons=tuple(request.POST.getlist("reasons")),
            text=_typed(request, "text"),
            role=_typed(request, "role"),
        )
        waybill = page.tracked.waybill
        desk.rate(actor=tail_principal(waybill), waybill=waybill, visitor=visitor, given=given)

    return _sent(request, number, form="rate", act=rated)


@never_cache
@require_safe
def photo(request: HttpRequest, number: str, token: str) -> HttpResponse:
    """A photo of a conversation, by an address that was made for who takes part in it and works for a quarter of an hour."""
    asked = signing.unsign(token, talks.PHOTO_PURPOSE)
    if not views.is_party(request, asked["w"]):
        raise NotFound
    content = desk.photo_read(actor=tail_principal(asked["w"]), file_id=asked["f"])
    headers = {"Content-Disposition": "inline", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=pictures.JPEG, headers=headers)


def _sent(
    request: HttpRequest,
    number: str,
    *,
    form: str,
    act: Callable[["journey.TrackedPage", desk.Visitor], None],
) -> HttpResponse:
    """Do it for who may, and go back to the page; what was refused stays in its form, with what is wrong beside it."""
    page = views.found(request, number)
    if page is None:
        return views.missing(request)
    waybill = page.tracked.waybill
    if not views.is_party(request, waybill):
        return views.page_shown(request, page, wrong=_("请先输入手机号后四位，再留言或评价。"), status=403)
    visitor = talks.visitor_of(request, waybill)
    token = visitor.token or talks.token_new()
    visitor = desk.Visitor(role=visitor.role, token=token, conversation_id=visitor.conversation_id)
    try:
        _must_not_flood(request)
        act(page, visitor)
    except ZaituError as error:
        typed = talks.Typed(form=form, **_refusal(request, error))
        return views.page_shown(request, page, typed=typed, status=problems.status_of(error))
    query = {"said": form} | ({"lang": request.GET["lang"]} if "lang" in request.GET else {})
    anchor = "rate" if form == "rate" else "talk"
    response = HttpResponseRedirect(f"/t/{waybill}?{urlencode(query)}#{anchor}", status=303)
    talks.remember(request, response, waybill, token=token, conversation_id=visitor.conversation_id)
    return response


def _must_not_flood(request: HttpRequest) -> None:
    allowed, wait_s = limits.attempt(f"talk-from:{client_network(request)}", PER_ADDRESS, _WINDOW_S)
    if not allowed:
        raise RateLimited(retry_after_s=wait_s)


def _refusal(request: HttpRequest, error: ZaituError) -> dict[str, Any]:
    fields = error.fields if isinstance(error, Invalid) else {}
    message = next((str(text) for kind, text in _SAID if isinstance(error, kind)), "")
    return {
        "values": {
            name: value[: desk.TEXT_MAX + 1] for name, value in request.POST.items() if isinstance(value, str)
        },
        "reasons": frozenset(request.POST.getlist("reasons")),
        "errors": {name: str(_FIELDS.get(name, "")) for name in fields},
        "message": message or ("" if fields else _("没有保存成功，请稍后再试。")),
    }


def _typed(request: HttpRequest, name: str) -> str:
    return str(request.POST.get(name, "")).strip()


def _field(request: HttpRequest, name: str) -> str:
    """Fields of several changes have one name: that of the chosen change is meant."""
    change = _typed(request, "change")
    return _typed(request, f"{change}-{name}")


def _photos(request: HttpRequest) -> tuple[bytes, ...]:
    """Read no more than the room takes: one too many is refused there."""
    files = request.FILES.getlist("photos")[: desk.PHOTOS_MAX + 1]
    return tuple(one.read(pictures.MAX_BYTES + 1) for one in files)
