"""The JSON node that cloud call centres ask at each step of a call: `POST /ivr/v1/calls/{id}` (docs/hotline.md)."""

from typing import Annotated, Any, Final, Literal

from django.utils.translation import get_language
from ninja import NinjaAPI, Path, Schema
from ninja.openapi.schema import OpenAPISchema
from pydantic import Field, StringConstraints

from zaitu.hotline import public as hotline
from zaitu.portal.api.auth import Key, KeyRequest, scope
from zaitu.portal.api.english import english
from zaitu.portal.api.openapi import add_models, add_problems
from zaitu.portal.api.schemas import Problem
from zaitu.portal.api.service import Docs, StrictParser, problems_told
from zaitu.portal.ivr.answering import Incoming, answer
from zaitu.portal.ivr.session import Heard

CallId = Annotated[str, Path(min_length=1, max_length=128)]
_DOOR: Final = "http"
_STATUSES: Final = ("400", "401", "403", "405", "408", "409", "413", "415", "422", "429", "503")


class Turn(Schema):
    """One step of a call. Unknown fields are left alone: call centres send variables of their own."""

    event: Literal["start", "input", "hangup"] = Field(
        description="start 来电；input 按键或说话（都空为没有输入）；hangup 已挂断"
    )
    caller: Annotated[str, StringConstraints(max_length=40)] = Field(
        default="", description="主叫号码；匿名来电为空", examples=["13812345678"]
    )
    digits: Annotated[str, StringConstraints(max_length=64)] = Field(
        default="", description="按键，含 * 和 #", examples=["0412883755124#"]
    )
    speech: Annotated[str, StringConstraints(max_length=200)] = Field(default="", description="识别出的话")
    turn: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="本通话的第几步，从 1 起；同一步重复提交回答相同。不编号时为空"
    )


class Said(Schema):
    say: str = Field(description="播报的话")
    ssml: str = Field(description="同样的话，SSML 1.1，句间有停顿")
    then: Literal["listen", "person", "hang_up"] = Field(
        description="播报后：listen 收号；person 转人工；hang_up 挂机"
    )
    digits_max: int = Field(description="最多收几位")
    digits_end: str = Field(description="结束收号的键")
    wait_s: int = Field(description="多少秒没有按键就提交")
    waybill: str = Field(description="正在问的运单；空为没有")
    verified: str = Field(description="核实方式：caller 来电号码；tail 手机号后四位；空为未核实")
    asked: str = Field(description="问过什么，逗号分隔：status、details、sms、person")
    why: str = Field(description="转人工的原因：asked、number、tail、lost、limit、long")
    summary: str = Field(description="给接听人的一句话，不含个人信息；转人工时才有")


class _Api(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        add_models(schema, Problem)
        for operations in schema["paths"].values():
            for operation in operations.values():
                add_problems(operation, _STATUSES)
        return english(schema) if (get_language() or "").startswith("en") else schema


node: Final = _Api(
    title="在途 Zaitu 热线节点",
    version="1",
    description="呼叫中心在通话的每一步调用：交来按键或说的话，得到要播报的话。认证：`Authorization: Bearer <密钥>`（`hotline` 权限）。",
    auth=Key(),
    docs=Docs(),
    parser=StrictParser(),
    urls_namespace="ivr-v1",
)
problems_told(node)


@node.post(
    "/calls/{call_id}",
    response=Said,
    summary="通话的一步",
    description="同一通话的各步可由任何进程回答。挂断后再提交，回答最后一步。",
    tags=["calls"],
)
@scope("hotline")
def call(request: KeyRequest, call_id: CallId, body: Turn) -> dict[str, Any]:
    if body.event == "hangup":
        hotline.call_end(actor=request.auth, door=_DOOR, call_id=call_id)
        return _SILENT
    heard = None if body.event == "start" else Heard(keys=body.digits, speech=body.speech)
    incoming = Incoming(door=_DOOR, call_id=call_id, caller=body.caller, turn=body.turn, heard=heard)
    return dict(answer(request.auth, incoming))


_SILENT: Final[dict[str, Any]] = {
    "say": "",
    "ssml": "",
    "then": "hang_up",
    "digits_max": 0,
    "digits_end": "",
    "wait_s": 0,
    "waybill": "",
    "verified": "",
    "asked": "",
    "why": "",
    "summary": "",
}
