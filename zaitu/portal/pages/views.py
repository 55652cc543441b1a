"""The customer's pages. A view reads the request, asks once, renders; who may see what is decided in portal.grants."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from zaitu.access.public import tail_principal
from zaitu.journey import public as journey
from zaitu.kernel import limits, signing
from zaitu.kernel.addresses import client_network
from zaitu.kernel.errors import NotFound
from zaitu.kernel.waybills import Mistyped, waybill_normal
from zaitu.portal import asked, details, grants, partners, talks
from zaitu.portal.misses import misses
from zaitu.portal.pages import tracking


def lang_of() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh"


@require_safe
def query(request: HttpRequest) -> HttpResponse:
    """The start page; `?q=` (the form without script) goes on to the tracking page."""
    asked = request.GET.get("q", "").strip()
    if not asked:
        return render(request, "portal/query.html", {"prefix": settings.ZAITU_WAYBILL_PREFIX})
    try:
        return HttpResponseRedirect(f"/t/{waybill_normal(asked)}")
    except Mistyped:
        context = {
            "prefix": settings.ZAITU_WAYBILL_PREFIX,
            "asked": asked[:64],
            "mistyped": True,
            "partner": bool(partners.lookup(asked)),
        }
        return render(request, "portal/query.html", context, status=404)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/privacy.html")


@never_cache
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The tracking pages' service worker; it lies under `/t/` because that is all it may serve."""
    return render(request, "portal/sw.js", content_type="text/javascript")


@never_cache
@require_safe
@asked.counted
def track(request: HttpRequest, number: str) -> HttpResponse:
    """The tracking page; `?part=live` only the part that changes; `?k=` a signed link, kept in a cookie and not in the address."""
    page = found(request, number)
    if page is None:
        return missing(request)
    link = request.GET.get("k", "")
    if link and grants.link_opens(link, page.tracked.waybill):
        return talks.thread_kept(
            request, _opened(request, page.tracked.waybill, link=link), page.tracked.waybill
        )
    return page_shown(request, page)


@never_cache
@require_safe
def short_link(request: HttpRequest, token: str) -> HttpResponse:
    """`/k/…` from an SMS: on to the shipment's page, which looks at the link again."""
    misses.refuse(client_network(request))
    waybill = grants.link_waybill(token)
    if not waybill:
        misses.count(client_network(request))
        return missing(request)
    talk = {"c": request.GET["c"]} if "c" in request.GET else {}
    return HttpResponseRedirect(f"/t/{waybill}?{urlencode({'k': token} | talk)}")


@never_cache
@require_POST
@asked.counted
def unlock(request: HttpRequest, number: str) -> HttpResponse:
    """The last four digits of a party's phone: right ones open the details on this browser for twelve hours."""
    misses.refuse(client_network(request))
    tail = request.POST.get("phone_tail", "").strip()[:20]
    key = grants.tail_attempts_key(number)
    allowed, wait_s = limits.attempt(key, grants.TAILS_PER_NUMBER, grants.TAILS_WINDOW_S)
    if not allowed:
        page = found(request, number)
        said = _("错误次数过多，请 %(minutes)s 分钟后再试。") % {"minutes": -(-wait_s // 60)}
        return page_shown(request, page, wrong=said, status=429) if page else missing(request)
    page = found(request, number, tail=tail)
    if page is None:
        return missing(request)
    if not grants.tail_opens(tail, page.tracked.tails):
        misses.count(client_network(request))
        said = _("与收发货人手机号后四位不符，请核对。")
        return page_shown(request, page, wrong=said, status=422)
    limits.refund(key)
    return _opened(request, page.tracked.waybill, role=grants.role_of(tail, page.contact_ids))


def find(request: HttpRequest) -> HttpResponse:
    """A number and a tail from one form: how a shipment is found by a partner's number."""
    return unlock(request, request.POST.get("q", "").strip()[:64])


@never_cache
@require_safe
def photo(request: HttpRequest, number: str, token: str) -> HttpResponse:
    """A photo or signature of the proof, by an address that was made for a party and works for a quarter of an hour."""
    asked = signing.unsign(token, details.FILE_PURPOSE)
    content, mime = journey.file_read(actor=tail_principal(asked["w"]), file_id=asked["f"])
    headers = {"Content-Disposition": "inline", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=mime, headers=headers)


@require_safe
def qr(request: HttpRequest, number: str) -> HttpResponse:
    """The page's own address as a QR code, to hand on from one screen to another."""
    try:
        waybill = waybill_normal(number)
    except Mistyped:
        raise NotFound from None
    code = segno.make(_address(request, f"/t/{waybill}"), error="m")
    svg = code.svg_inline(scale=6, border=2, dark="#000", light="#fff")
    return HttpResponse(
        svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1), content_type="image/svg+xml"
    )


def _address(request: HttpRequest, path: str) -> str:
    """Where customers find a path: the public address, or where this one came in while none is set."""
    public: str = settings.ZAITU_PUBLIC_URL
    unset = urlsplit(public).hostname == "localhost"
    return request.build_absolute_uri(path) if unset else f"{public}{path}"


def found(request: HttpRequest, number: str, *, tail: str = "") -> "journey.TrackedPage | None":
    """The shipment, by our number or with the right tail by a partner's; or None.

    An address that misses too often is refused (RateLimited), whatever it asks for.
    """
    misses.refuse(client_network(request))
    try:
        page = journey.track_page(waybill_normal(number))
    except Mistyped:
        page = None
    if page is None:
        plain = partners.lookup(number) if tail else ""
        page = _by_partner(plain, tail) if plain else None
        if page is None:
            misses.count(client_network(request), times=partners.MISS_WEIGHT if plain else 1)
    return page


def _by_partner(plain: str, tail: str) -> "journey.TrackedPage | None":
    key = partners.block_key(plain)
    partners.must_wait(limits.attempt(key, partners.BLOCK_TRIES, partners.BLOCK_WINDOW_S))
    waybill = partners.opened_by_tail(journey.shipments_forwarded(plain), tail)
    if not waybill:
        return None
    limits.refund(key)
    return journey.track_page(waybill)


def missing(request: HttpRequest) -> HttpResponse:
    """The same page for unknown and mistyped numbers; nothing of the question is repeated."""
    return render(request, "portal/missing.html", status=404)


def _opened(request: HttpRequest, waybill: str, *, link: str = "", role: str = "") -> HttpResponse:
    """Back to the page without anything secret in the address, so that it can be shared."""
    kept = {"lang": request.GET["lang"]} if "lang" in request.GET else {}
    target = f"/t/{waybill}" + (f"?{urlencode(kept)}" if kept else "")
    response = HttpResponseRedirect(target)
    response.status_code = 303
    response.set_cookie(
        grants.cookie_name(waybill),
        grants.grant(waybill, link=link, role=role),
        max_age=grants.GRANT_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def is_party(request: HttpRequest, waybill: str) -> bool:
    """Whether this browser has shown a right tail or a link that is still good."""
    token = request.COOKIES.get(grants.cookie_name(waybill), "")
    good, link = grants.granted(token, waybill) if token else (False, "")
    return good and (not link or grants.link_opens(link, waybill))


def page_shown(
    request: HttpRequest,
    page: "journey.TrackedPage",
    *,
    wrong: str = "",
    status: int = 200,
    typed: "talks.Typed | None" = None,
) -> HttpResponse:
    """The tracking page; `typed`: what a party has just sent, and what was wrong with it."""
    lang = lang_of()
    exact = is_party(request, page.tracked.waybill)
    part = request.GET.get("part")
    if part == "talk" and exact:
        return render(request, "portal/talk_thread.html", talks.context(request, page, lang=lang))
    context: dict[str, Any] = tracking.context(page, lang=lang, exact=exact)
    if part == "live":
        return render(request, "portal/track_live.html", context)
    map_data = tracking.map_data(page, lang=lang)
    context |= {
        "sketch": map_data.pop("sketch"),
        "map_data": map_data,
        "tiles": bool(settings.ZAITU_MAP["tiles"]),
        "final": page.document["final"],
        "wrong": wrong,
        "lang_switch_url": f"/t/{page.tracked.waybill}?lang={'zh' if lang == 'en' else 'en'}",
    }
    if exact:
        context |= talks.context(request, page, lang=lang, typed=typed)
    return render(request, "portal/track.html", context, status=status)
