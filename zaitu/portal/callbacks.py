"""The door for providers that call us: what became of messages, and what people write back."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zaitu.kernel import clock
from zaitu.kernel.addresses import client_network
from zaitu.kernel.errors import NotFound, TooLarge
from zaitu.notify import public as notify
from zaitu.portal.misses import misses


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, provider: str, token: str = "") -> HttpResponse:
    """A provider's own address is never closed by what others try from its network: only who is wrong is counted."""
    call = notify.Call(
        method=request.method or "",
        query=request.GET.dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=_body(request),
        at=clock.now(),
    )
    try:
        taken = notify.callback_take(provider=provider, token=token, call=call)
    except NotFound:
        misses.refuse(client_network(request))
        misses.count(client_network(request))
        raise
    return HttpResponse(
        taken.answer, status=taken.status, content_type=f"{taken.content_type}; charset=utf-8"
    )


def _body(request: HttpRequest) -> bytes:
    """Raises TooLarge, where the length is told before anything is read."""
    told = request.headers.get("Content-Length", "")
    if (told.isascii() and told.isdigit() and int(told) > notify.BODY_MAX) or len(
        request.body
    ) > notify.BODY_MAX:
        raise TooLarge("回执内容过大")
    return request.body
