"""What the OpenAPI document says of the EPCIS paths: the standard's parameters, bodies and answers."""

from typing import Any, Final

from zaitu.epcis.public import EVENT_TYPES

_JSON: Final = ("application/json", "application/ld+json")


def _parameter(
    name: str, schema: dict[str, Any], description: str = "", where: str = "query"
) -> dict[str, Any]:
    said = {"description": description} if description else {}
    return {"name": name, "in": where, "required": False, "schema": schema, **said}


def _body(description: str) -> dict[str, Any]:
    return {
        "required": True,
        "description": description,
        "content": {kind: {"schema": {"type": "object"}} for kind in _JSON},
    }


def _answers(status: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {status: {"description": description, "content": {kind: {"schema": schema} for kind in _JSON}}}


_TEXT: Final = {"type": "string", "maxLength": 1000}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_COUNT: Final = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
QUERY: Final[list[dict[str, Any]]] = [
    _parameter("eventType", {"type": "string", "enum": list(EVENT_TYPES)}),
    _parameter("EQ_action", {"type": "string", "enum": ["OBSERVE", "ADD", "DELETE"]}),
    _parameter("EQ_bizStep", _TEXT),
    _parameter("EQ_disposition", _TEXT),
    _parameter("GE_eventTime", _INSTANT),
    _parameter("LT_eventTime", _INSTANT),
    _parameter("GE_recordTime", _INSTANT),
    _parameter("LT_recordTime", _INSTANT),
    _parameter("EQ_readPoint", _TEXT),
    _parameter("EQ_bizLocation", _TEXT),
    _parameter("MATCH_epc", _TEXT),
    _parameter("MATCH_anyEPC", _TEXT),
    _parameter("MATCH_parentID", _TEXT),
    _parameter("EQ_eventID", _TEXT, "只查自己上报的事件"),
    _parameter("orderBy", {"type": "string", "enum": ["eventTime", "recordTime"], "default": "eventTime"}),
    _parameter("orderDirection", {"type": "string", "enum": ["DESC", "ASC"], "default": "DESC"}),
    _parameter("eventCountLimit", _COUNT, "只要前几个事件"),
    _parameter("maxEventCount", _COUNT, "超过时返回 413 QueryTooLargeException"),
    _parameter("perPage", {"type": "integer", "minimum": 1, "maximum": 500, "default": 30}),
    _parameter("nextPageToken", {"type": "string", "maxLength": 400}, "取自 Link"),
]
BEHAVIOUR: Final = _parameter(
    "GS1-Capture-Error-Behaviour",
    {"type": "string", "enum": ["rollback", "proceed"], "default": "rollback"},
    "rollback：全部保存或全部不保存；proceed：保存正确的事件",
    "header",
)
DOCUMENT: Final = _body("EPCISDocument")
EVENT: Final = _body("带 @context 的 EPCIS 事件")
_LOCATION: Final = {"Location": {"schema": {"type": "string"}}}
CAPTURED: Final = {"202": {"description": "已受理", "headers": _LOCATION}}
JOB: Final = _answers(
    "200",
    "OK",
    {
        "type": "object",
        "required": ["captureID", "createdAt", "finishedAt", "running", "success", "captureErrorBehaviour", "errors"],
        "properties": {
            "captureID": {"type": "string", "format": "uuid"},
            "createdAt": _INSTANT,
            "finishedAt": _INSTANT,
            "running": {"type": "boolean"},
            "success": {"type": "boolean"},
            "captureErrorBehaviour": {"type": "string", "enum": ["rollback", "proceed"]},
            "errors": {"type": "array", "items": {"type": "object"}},
            "zaitu:captured": {"type": "integer"},
            "zaitu:repeated": {"type": "integer"},
            "zaitu:journey": {"type": "object"},
        },
    },
)  # fmt: skip
_EVENT: Final = {"type": "object", "required": ["@context", "type", "eventID", "eventTime", "recordTime"]}
MADE: Final = _answers("201", "已保存", _EVENT) | _answers("200", "以前保存过", _EVENT)
ANY_EVENTS: Final = _answers("200", "OK", _EVENT)
EVENTS: Final = _answers(
    "200",
    "OK",
    {
        "type": "object",
        "required": ["@context", "type", "schemaVersion", "creationDate", "epcisBody"],
        "properties": {
            "type": {"const": "EPCISQueryDocument"},
            "schemaVersion": {"const": "2.0"},
            "creationDate": _INSTANT,
            "epcisBody": {
                "type": "object",
                "required": ["queryResults"],
                "properties": {"queryResults": {"type": "object", "required": ["queryName", "resultsBody"]}},
            },
        },
    },
)
TYPES: Final = _answers("200", "OK", {"type": "object", "required": ["@context", "type", "member"]})
EXPORT: Final = _answers("200", "OK", {"type": "object", "required": ["@context", "type", "schemaVersion", "creationDate", "epcisBody"]})  # fmt: skip
