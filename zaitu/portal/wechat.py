"""Where WeChat pushes to: `/callbacks/wechat` and `/callbacks/mini`. Its signature says who calls."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zaitu.notify import public as notify


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def pushed(request: HttpRequest, provider: str) -> HttpResponse:
    reply = notify.wechat_called(
        provider=provider, method=request.method or "", query=request.GET.dict(), body=request.body
    )
    return HttpResponse(reply.body, status=reply.status, content_type="text/plain; charset=utf-8")
