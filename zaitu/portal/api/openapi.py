"""What the OpenAPI document says beyond the operations: the tracking paths, and the problems every operation can answer."""

from typing import Any, Final

from ninja.openapi.schema import OpenAPISchema
from pydantic import BaseModel

from zaitu.portal.api.schemas import Problem, Track
from zaitu.ui.problems import MEDIA_TYPE

_REF: Final = "#/components/schemas/{model}"
_WORDS: Final = {
    "400": "内容不是 JSON",
    "401": "没有密钥或密钥无效",
    "403": "密钥没有这个权限",
    "404": "没有这个运单或推送地址，或不是您的",
    "405": "不支持这种方法",
    "406": "不支持要求的版本或格式",
    "408": "内容上传太慢",
    "409": "同一单号已用于另一份内容，或当前状态不允许",
    "413": "内容太大",
    "414": "地址太长",
    "415": "内容不是 JSON 格式",
    "422": "内容有误，见 fields",
    "429": "太频繁，见 Retry-After",
    "503": "暂时不可用，请重试",
}
_USUAL: Final = ("400", "401", "403", "404", "408", "409", "413", "415", "422", "429", "503")
_EPCIS: Final = ("400", "401", "403", "404", "406", "408", "409", "413", "414", "415", "429", "503")
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_TRACK_PARAMETERS: Final = [
    {
        "name": "waybill",
        "in": "path",
        "required": True,
        "description": "运单号；合作承运商的单号须同时带 phone_tail 或本客户的密钥",
        "schema": {"type": "string", "minLength": 1, "maxLength": 40},
        "example": "ZT0412883755124",
    },
    {
        "name": "phone_tail",
        "in": "query",
        "required": False,
        "description": "收货人或发货人手机号后四位；15 分钟内错五次后须等待",
        "schema": {"type": "string", "pattern": "^[0-9]{4}$"},
    },
    {
        "name": "k",
        "in": "query",
        "required": False,
        "description": "签名链接中的 k",
        "schema": {"type": "string", "maxLength": 100},
    },
    {
        "name": "lang",
        "in": "query",
        "required": False,
        "schema": {"type": "string", "enum": ["zh", "en"], "default": "zh"},
    },
]


def completed(schema: OpenAPISchema) -> OpenAPISchema:
    """The same document, whole."""
    add_models(schema, Track, Problem)
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"] = operation.pop("x-answers", operation["responses"])
            add_problems(operation, _EPCIS if path.startswith("/api/v1/epcis/") else _USUAL)
    labels = schema["paths"]["/api/v1/shipments/{waybill}/labels.pdf"]["get"]
    labels["responses"]["200"] = {
        "description": "PDF",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
    schema["paths"].update(_track_paths())
    return schema


def add_models(schema: OpenAPISchema, *models: type[BaseModel]) -> None:
    parts = schema["components"].setdefault("schemas", {})
    for model in models:
        described = model.model_json_schema(ref_template=_REF)
        parts.update(described.pop("$defs", {}))
        parts[model.__name__] = described


def add_problems(operation: dict[str, Any], statuses: tuple[str, ...]) -> None:
    # Ninja numbers its responses with integers.
    operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
    for status in statuses:
        operation["responses"].setdefault(status, {"description": _WORDS[status], "content": _PROBLEM})


def _track_paths() -> dict[str, Any]:
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Track"}}}
    track: dict[str, Any] = {
        "operationId": "track",
        "summary": "查轨迹",
        "description": (
            "不带凭据：状态、预计送达、节点和粗略位置（误差不超过 1 公里，每分钟最多更新一次）。"
            "带手机号后四位、签名链接，或本客户的密钥：另有精确位置与 details。"
        ),
        "tags": ["track"],
        "parameters": _TRACK_PARAMETERS,
        "security": [{}, {"Key": []}],
        "responses": {
            "200": {"description": "OK", "content": answer},
            "304": {"description": "没有变化（If-None-Match）"},
        },
    }
    live: dict[str, Any] = {
        **track,
        "operationId": "track_live",
        "summary": "轨迹实时推送（SSE）",
        "description": "事件 `track`：与查询相同的内容；`position`：仅位置。断线后请重连。",
        "responses": {
            "200": {"description": "OK", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
        },
    }
    for operation in (track, live):
        add_problems(operation, ("401", "403", "404", "405", "413", "429", "503"))
    return {
        "/api/v1/track/{waybill}": {"get": track},
        "/api/v1/track/{waybill}/live": {"get": live},
    }
