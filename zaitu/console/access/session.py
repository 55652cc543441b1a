"""Signing in and out, and one's own password."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from zaitu.access import public as access
from zaitu.console.door import StaffRequest, done, show, staff
from zaitu.console.forms import Form
from zaitu.kernel.errors import Invalid, NotAuthenticated


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Wrong name and wrong password look the same; too many tries end in the lockout page (django-axes)."""
    back = _address_after(request)
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(back)
        return render(request, "console/sign_in.html", {"form": Form(), "next": back})
    form = Form.posted(request)
    try:
        access.sign_in(
            request=request, username=form.text("username"), password=form.values.get("password", "")
        )
    except NotAuthenticated:
        form = Form(values={"username": form.text("username")}, message=_("用户名或密码不正确"))
        return render(request, "console/sign_in.html", {"form": form, "next": back}, status=401)
    return redirect(back)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("console:sign-in")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff()
def me(request: StaffRequest) -> HttpResponse:
    """Change one's own password."""
    if request.method != "POST":
        return show(request, "console/access/me.html", {"form": Form()})
    form = Form.posted(request)
    old, new = form.values.get("old", ""), form.values.get("new", "")
    if new != form.values.get("again", ""):
        wrong = Form().refused("again", _("与新密码不一样"))
        return show(request, "console/access/me.html", {"form": wrong}, status=422)
    try:
        access.password_change(actor=request.actor, request=request, old=old, new=new)
    except Invalid as error:
        failed = Form().failed(error)  # passwords are never sent back
        return show(request, "console/access/me.html", {"form": failed}, status=422)
    done(request, _("密码已修改，其他设备需要重新登录"))
    return redirect("console:me")


def _address_after(request: HttpRequest) -> str:
    """Where to go after signing in: only pages of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe and wanted.startswith("/") else reverse("console:home")
