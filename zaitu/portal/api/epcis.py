"""`/api/v1/epcis/`: capture and query of EPCIS 2.0 (GS1), JSON and JSON-LD."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from zaitu.epcis import public as epcis
from zaitu.kernel import clock
from zaitu.kernel.errors import NotFound
from zaitu.portal.api.auth import KeyRequest, scope
from zaitu.portal.api.epcis_words import (
    ANY_EVENTS,
    BEHAVIOUR,
    CAPTURED,
    DOCUMENT,
    EVENT,
    EVENTS,
    EXPORT,
    JOB,
    MADE,
    QUERY,
    TYPES,
)

router: Final = Router(tags=["epcis"])
VERSION: Final = "2.0"
_HEADERS: Final = {
    "GS1-EPCIS-Version": "2.0.0",
    "GS1-CBV-Version": "2.0.0",
    "GS1-EPCIS-Min": VERSION,
    "GS1-EPCIS-Max": VERSION,
    "GS1-EPCIS-Capture-Limit": str(epcis.EVENTS_MAX),
    "GS1-EPCIS-Capture-File-Size-Limit": str(epcis.BYTES_MAX),
    "GS1-EPC-Format": "Never_Translates",
    "GS1-CBV-XML-Format": "No_Preference",
}
_URI_MAX: Final = 8_000
_JSON: Final = ("application/json", "application/ld+json")


def door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The scope, the versions and media types that are asked for, and the standard's headers on every answer."""

    @wraps(view)
    def checked(request: KeyRequest, *values: Any, **named: Any) -> HttpResponse:
        answer = scoped(request, *values, **named)
        for name, value in _HEADERS.items():
            answer[name] = value
        return answer

    @scope("epcis")
    @wraps(view)
    def scoped(request: KeyRequest, *values: Any, **named: Any) -> HttpResponse:
        _must_fit(request)
        return view(request, *values, **named)

    return checked


def with_headers(answer: HttpResponse) -> HttpResponse:
    """An error under this address tells the versions too."""
    for name, value in _HEADERS.items():
        answer.setdefault(name, value)
    return answer


class _UriTooLong(epcis.EpcisFault):
    """The address is too long."""

    code = "epcis_uri_too_long"
    name = "URITooLongException"


class _MediaType(epcis.EpcisFault):
    """Neither JSON nor JSON-LD."""

    code = "unsupported_media_type"
    name = "UnsupportedMediaTypeException"


def _must_fit(request: HttpRequest) -> None:
    if len(request.get_full_path()) > _URI_MAX:
        raise _UriTooLong(f"地址最长 {_URI_MAX} 个字符")
    asked = request.headers
    for name in ("GS1-EPCIS-Version", "GS1-CBV-Version"):
        if not asked.get(name, VERSION).strip().startswith("2"):
            raise epcis.NotAcceptableFault(f"{name} 只支持 {VERSION}")
    least, most = (_version(asked.get(f"GS1-EPCIS-{end}", VERSION)) for end in ("Min", "Max"))
    if not least <= _version(VERSION) <= most:
        raise epcis.NotAcceptableFault(f"EPCIS 版本只支持 {VERSION}")
    if not any(request.accepts(kind) for kind in _JSON):
        raise epcis.NotAcceptableFault("只能以 JSON 或 JSON-LD 回答")


def _version(text: str) -> tuple[int, ...]:
    parts = text.strip().split(".")[:2]
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise epcis.NotAcceptableFault("版本号无效")
    return (*(int(part) for part in parts), 0)[:2]


def _content(request: HttpRequest) -> bytes:
    kind = request.content_type or ""
    if kind not in {"", *_JSON}:
        raise _MediaType("请以 application/json 或 application/ld+json 发送")
    return request.body


def _answer(request: HttpRequest, body: Any, status: int = 200) -> JsonResponse:
    """JSON-LD for who asks for it."""
    kind = request.get_preferred_type(_JSON) or _JSON[0]
    return JsonResponse(
        body, status=status, safe=False, json_dumps_params={"ensure_ascii": False}, content_type=kind
    )


@router.post(
    "/capture",
    summary="上报 EPCIS 文档",
    description=(
        "EPCIS 2.0 JSON-LD 文档，最多 500 个事件、1 MB；按 GS1 JSON Schema 连同格式校验。返回 202 与任务地址（Location）。"
        "同一 `eventID` 的同一事件只保存一次。合作方的密钥上报转给自己的运单时，能对应的事件登记为运单事件；"
        "其余事件保存，只有上报者能查到。"
    ),
    openapi_extra={"parameters": [BEHAVIOUR], "requestBody": DOCUMENT, "x-answers": CAPTURED},
)
@door
def capture(request: KeyRequest) -> HttpResponse:
    asked = request.headers.get("GS1-Capture-Error-Behaviour", "rollback").strip().lower()
    if asked not in list(epcis.Behaviour):
        raise epcis.ValidationFault("GS1-Capture-Error-Behaviour 只能是 rollback 或 proceed")
    job = epcis.capture(actor=request.auth, content=_content(request), behaviour=epcis.Behaviour(asked))
    return HttpResponse(
        status=202, headers={"Location": f"/api/v1/epcis/capture/{job.pk}"}, content_type="application/json"
    )


@router.get(
    "/capture/{capture_id}",
    summary="查上报任务",
    description="是否成功、每个未能保存的事件错在哪里，以及登记到运单的结果（zaitu:journey）。",
    openapi_extra={"x-answers": JOB},
)
@door
def capture_job(request: KeyRequest, capture_id: str) -> HttpResponse:
    job = epcis.job_get(actor=request.auth, job_id=capture_id)
    body = {
        "captureID": str(job.pk),
        "createdAt": clock.local(job.created_at).isoformat(timespec="milliseconds"),
        "finishedAt": clock.local(job.finished_at).isoformat(timespec="milliseconds"),
        "running": False,
        "success": job.success,
        "captureErrorBehaviour": job.behaviour,
        "errors": job.errors,
        "zaitu:captured": job.captured,
        "zaitu:repeated": job.repeated,
        "zaitu:journey": job.told,
    }
    return _answer(request, body)


@router.post(
    "/events",
    summary="上报一个 EPCIS 事件",
    description="带 `@context` 的单个事件。新事件返回 201，以前上报过的同一事件返回 200；`eventID` 已用于另一事件返回 409。",
    openapi_extra={"requestBody": EVENT, "x-answers": MADE},
)
@door
def event_capture(request: KeyRequest) -> HttpResponse:
    event_id, new = epcis.event_capture(actor=request.auth, content=_content(request))
    body = epcis.event_get(actor=request.auth, event_id=event_id)
    answer = _answer(request, body, 201 if new else 200)
    answer["Location"] = f"/api/v1/epcis/events/{quote(event_id, safe='')}"
    return answer


@router.get(
    "/events",
    summary="查询 EPCIS 事件",
    description=(
        "参数同 EPCIS 2.0；多个值用 `|` 分开。客户的密钥查到自己运单的事件和自己上报的事件，合作方的密钥查到自己上报的事件。"
        "下一页的地址在 Link 中。`MATCH_epc` 为运单号地址时返回该运单全程。"
    ),
    openapi_extra={"parameters": QUERY, "x-answers": EVENTS},
)
@door
def events(request: KeyRequest) -> HttpResponse:
    return _events(request, {})


@router.get(
    "/events/{path:event_id}",
    summary="查一个 EPCIS 事件",
    description="自己上报的事件；`eventID` 须按 URL 编码。",
    openapi_extra={"x-answers": ANY_EVENTS},
)
@door
def event(request: KeyRequest, event_id: str) -> HttpResponse:
    return _answer(request, epcis.event_get(actor=request.auth, event_id=event_id))


def _resource(name: str, parameter: str, summary: str) -> None:
    """`/{name}/{value}/events`: the events that this parameter finds."""

    @router.get(
        f"/{name}/{{path:value}}/events",
        summary=summary,
        operation_id=f"epcis_{name}",
        description="其余参数同“查询 EPCIS 事件”；标识须按 URL 编码。",
        openapi_extra={"parameters": [one for one in QUERY if one["name"] != parameter], "x-answers": EVENTS},
    )
    @door
    def events_of(request: KeyRequest, value: str) -> HttpResponse:
        return _events(request, {parameter: value})


_resource("epcs", "MATCH_epc", "按 EPC 查事件")
_resource("bizSteps", "EQ_bizStep", "按业务步骤查事件")
_resource("readPoints", "EQ_readPoint", "按读取点查事件")
_resource("bizLocations", "EQ_bizLocation", "按业务地点查事件")
_resource("dispositions", "EQ_disposition", "按货物状态查事件")
_resource("eventTypes", "eventType", "按事件类型查事件")


@router.get(
    "/eventTypes",
    summary="EPCIS 事件类型",
    description="标准的五种事件类型。",
    openapi_extra={"x-answers": TYPES},
)
@door
def event_types(request: KeyRequest) -> HttpResponse:
    return _answer(
        request, {"@context": epcis.CONTEXT, "type": "Collection", "member": list(epcis.EVENT_TYPES)}
    )


@router.get(
    "/shipments/{waybill}",
    summary="导出运单全程",
    description="一个运单的全部事件，作为 EPCIS 2.0 文档，最早在前。",
    openapi_extra={"x-answers": EXPORT},
)
@door
def shipment(request: KeyRequest, waybill: str) -> HttpResponse:
    found = epcis.shipment_export(actor=request.auth, waybill=waybill)
    return _answer(request, _document("EPCISDocument", found.contexts, {"eventList": found.events}))


def _events(request: KeyRequest, of: Mapping[str, str]) -> HttpResponse:
    asked = [(name, value) for name, values in request.GET.lists() for value in values]
    for name in of:
        if name in request.GET:
            raise epcis.QueryParameterFault(f"{name} 已在地址中")
    if of.get("eventType", epcis.EVENT_TYPES[0]) not in epcis.EVENT_TYPES:
        raise NotFound("没有这种事件类型")
    found = epcis.events_find(actor=request.auth, asked=[*asked, *of.items()])
    answer = _answer(request, _query_document(found))
    if found.next is not None:
        more = [*((name, value) for name, value in asked if name != "nextPageToken"), ("nextPageToken", found.next.token())]  # fmt: skip
        answer["Link"] = f'<{quote(request.path)}?{urlencode(more)}>; rel="next"'
    return answer


def _query_document(found: epcis.Found) -> dict[str, Any]:
    results = {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": found.events}}
    return _document("EPCISQueryDocument", found.contexts, {"queryResults": results})


def _document(kind: str, context: list[Any], body: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": context,
        "type": kind,
        "schemaVersion": VERSION,
        "creationDate": clock.local(clock.now()).isoformat(timespec="milliseconds"),
        "epcisBody": body,
    }
