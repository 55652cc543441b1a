"""The API as a whole: operations, errors as problems, OpenAPI with the paths that are answered beside Django."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from zaitu.epcis.public import BYTES_MAX, EpcisFault, QueryParameterFault
from zaitu.kernel.errors import ZaituError
from zaitu.portal.api import epcis, epcis_problems
from zaitu.portal.api.auth import Key
from zaitu.portal.api.bulk import router
from zaitu.portal.api.english import english
from zaitu.portal.api.etags import with_etag
from zaitu.portal.api.openapi import completed
from zaitu.portal.api.partner import router as partner
from zaitu.portal.api.webhooks import router as webhooks
from zaitu.portal.api.words import wrong_fields
from zaitu.ui import problems, views

_CODES: Final = {415: "unsupported_media_type"}


class Docs(DocsBase):
    """Swagger's page from our own files: no CDN, no inline script."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(
            request, "portal/api_docs.html", {"openapi_url": request.path.replace("docs", "openapi.json")}
        )


class StrictParser(Parser):
    """Takes JSON, and what says nothing about itself, for JSON; refuses what says it is something else."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        kind = request.content_type or ""
        if kind not in {"", "application/json"} and not kind.endswith("+json"):
            raise HttpError(415, kind)
        return super().parse_body(request)


class _Api(NinjaAPI):
    def create_response(self, request: HttpRequest, data: Any, **options: Any) -> HttpResponse:
        """Reads have an ETag: who has the same already is told so and gets nothing twice."""
        answer = super().create_response(request, data, **options)
        return with_etag(request, answer) if request.method in ("GET", "HEAD") else answer

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = completed(super().get_openapi_schema(**options))
        return english(schema) if (get_language() or "").startswith("en") else schema


api: Final = _Api(
    title="在途 Zaitu API",
    version="1",
    description=(
        "下单、轨迹、事件、标签、推送地址、合作方上报、EPCIS 2.0。认证：`Authorization: Bearer <密钥>`；错误：RFC 9457 `application/problem+json`；"
        "时间：ISO 8601，北京时间（+08:00）。"
    ),
    auth=Key(),
    docs=Docs(),
    parser=StrictParser(),
    urls_namespace="api-v1",
)
api.add_router("", router)
api.add_router("/webhooks", webhooks)
api.add_router("/partner", partner)
api.add_router("/epcis", epcis.router, auth=Key(BYTES_MAX))


def problems_told(of: NinjaAPI) -> None:
    """Every error of this API is a problem document."""
    of.add_exception_handler(ZaituError, _ours)
    of.add_exception_handler(ValidationError, _invalid)
    of.add_exception_handler(Http404, _nothing)
    of.add_exception_handler(HttpError, _http)


def _ours(request: HttpRequest, error: Any) -> HttpResponse:
    if epcis_problems.ours(request) or isinstance(error, EpcisFault):
        return epcis.with_headers(epcis_problems.answer(request, error))
    return views.error_answer(request, error)


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    fields = wrong_fields(request, error.errors)
    if epcis_problems.ours(request):
        return epcis_problems.answer(request, QueryParameterFault("；".join(fields.values())))
    return views.problem_answer(422, problems.document(422, "invalid", fields=fields))


def _nothing(request: HttpRequest, error: Any) -> HttpResponse:
    if epcis_problems.ours(request):
        return epcis_problems.by_status(404, "not_found")
    return views.problem_answer(404, problems.document(404, "not_found"))


def _http(request: HttpRequest, error: Any) -> HttpResponse:
    """Ninja's own: a body that is no JSON. It hides what the parser said behind a 400."""
    status = getattr(error.__cause__, "status_code", error.status_code)
    if epcis_problems.ours(request):
        return epcis_problems.by_status(status, _CODES.get(status, "bad_request"))
    return views.problem_answer(status, problems.document(status, _CODES.get(status, "bad_request")))


@api.exception_handler(Exception)
def _mistake(request: HttpRequest, error: Exception) -> HttpResponse:
    """What nobody foresaw: Django's own page for it answers as everywhere, but the standard has words of its own."""
    if not epcis_problems.ours(request) or problems.told(error) is not None:
        raise error
    return epcis.with_headers(epcis_problems.mistake(error))


problems_told(api)
