"""The pages of the field app: its own sign-in, one shell for all screens, and what makes it installable."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zaitu.access import public as access
from zaitu.kernel.errors import NotAuthenticated, RateLimited

OWN: Final = Path(__file__).resolve().parent / "static"
ICONS: Final = [
    "alert-triangle",
    "arrow-back-up",
    "arrow-left",
    "building-warehouse",
    "camera",
    "check",
    "circle-check",
    "circle-x",
    "flag",
    "home",
    "layout-list",
    "list-check",
    "logout",
    "map-pin",
    "package",
    "package-off",
    "packages",
    "phone",
    "player-play",
    "refresh",
    "scan",
    "shield-check",
    "signature",
    "trash",
    "truck-delivery",
    "truck-loading",
    "truck-off",
    "upload",
    "wifi-off",
    "x",
]
VENDOR: Final = (
    "vendor/zxing/reader.js",
    "vendor/zxing/zxing_reader.wasm",
    "vendor/signature/signature_pad.umd.min.js",
)
HASHED: Final = ("ui/tokens.css", "ui/app.css", "ui/theme.js")
"""Named by `{% static %}` in the page, so kept by the name that gives."""


@require_safe
@never_cache
@ensure_csrf_cookie
def shell(request: HttpRequest) -> HttpResponse:
    """The one page. It holds nothing about a person: the service worker keeps it on the phone."""
    try:
        access.request_principal(request)
    except NotAuthenticated:
        return redirect("field:sign-in")
    return render(request, "field/shell.html", {"base": settings.STATIC_URL})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "field/sign_in.html")
    username = request.POST.get("username", "")
    try:
        access.sign_in(request=request, username=username, password=request.POST.get("password", ""))
    except NotAuthenticated as error:
        return render(
            request, "field/sign_in.html", {"error": error.message, "username": username}, status=401
        )
    except RateLimited as error:
        return render(
            request, "field/sign_in.html", {"error": error.message, "username": username}, status=429
        )
    return redirect("field:shell")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("field:sign-in")


@require_safe
def manifest(_request: HttpRequest) -> HttpResponse:
    """What the phone needs to put the app on its home screen."""
    icon = f"{settings.STATIC_URL}field/icons/"
    about = {
        "id": "/field/",
        "name": "在途 现场",
        "short_name": "在途现场",
        "lang": "zh-Hans",
        "start_url": "/field/",
        "scope": "/field/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#f5f7fa",
        "theme_color": "#1463ff",
        "icons": [
            {"src": f"{icon}icon.svg", "sizes": "any", "type": "image/svg+xml"},
            {"src": f"{icon}icon-192.png", "sizes": "192x192", "type": "image/png"},
            {"src": f"{icon}icon-512.png", "sizes": "512x512", "type": "image/png"},
            {
                "src": f"{icon}icon-maskable-512.png",
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
        ],
    }
    return JsonResponse(
        about, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )


@require_safe
def service_worker(_request: HttpRequest) -> HttpResponse:
    """field/static/field/sw.js with the list of what to keep; its version changes when any of those files does."""
    names, version = _kept()
    addresses = [settings.STATIC_URL + name for name in names] + [static(name) for name in HASHED]
    told: dict[str, Any] = {"version": version, "shell": reverse("field:shell"), "files": addresses}
    code = (OWN / "field" / "sw.js").read_text(encoding="utf-8")
    return HttpResponse(
        f"const KEEP = {json.dumps(told)};\n{code}",
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )


@cache
def _kept() -> tuple[tuple[str, ...], str]:
    """Static files the app runs on, and a hash over them all and the shell."""
    own = sorted(
        str(path.relative_to(OWN)) for path in OWN.rglob("*") if path.is_file() and path.name != "sw.js"
    )
    names = (*own, *VENDOR, *(f"vendor/icons/{name}.svg" for name in ICONS))
    digest = hashlib.sha256()
    for path in [
        *(_path(name) for name in (*names, *HASHED)),
        *sorted((OWN.parent / "templates").rglob("*.html")),
    ]:
        digest.update(path.read_bytes())
    return names, digest.hexdigest()[:16]


def _path(name: str) -> Path:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"static file {name} is missing: run web/vendor.py")
    return Path(found)
