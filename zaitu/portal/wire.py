"""The tracking paths as bare ASGI: a request taken apart, and answers that repeat nothing of it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

from django.utils import translation
from django.utils.translation import gettext as _

from zaitu.kernel.addresses import network_of
from zaitu.kernel.errors import NotFound, TooLarge, ZaituError
from zaitu.kernel.waybills import Mistyped, waybill_normal
from zaitu.portal.grants import cookie_name
from zaitu.ui import problems

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

PREFIX: Final = "/api/v1/track/"
JSON: Final = (b"content-type", b"application/json; charset=utf-8")
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_LONGEST: Final = 2_000
"""Bytes of path and query together."""
_FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class Question:
    """One request, taken apart."""

    number: str
    """As it was asked."""
    waybill: str
    """As it is stored; empty for a mistyped one."""
    lang: str
    tail: str
    link: str
    key: str
    cookie: str
    address: str


def question_of(scope: Scope, *, stream: bool = False) -> Question:
    """Only the stream reads cookies (a browser's stream cannot send anything else); the API is asked openly."""
    number = scope["path"].removeprefix(PREFIX).removesuffix("/live").strip("/")
    query = parse_qs(scope["query_string"][:_LONGEST].decode("latin-1"))
    try:
        waybill = waybill_normal(number)
    except Mistyped:
        waybill = ""
    scheme, _, key = header(scope, b"authorization").decode("latin-1").partition(" ")
    return Question(
        number=number,
        waybill=waybill,
        lang="en" if query.get("lang", [""])[-1].startswith("en") else "zh",
        tail=query.get("phone_tail", [""])[-1][:20],
        link=query.get("k", [""])[-1][:100],
        key=key.strip() if scheme.lower() == "bearer" else "",
        cookie=cookie_of(scope, cookie_name(waybill)) if waybill and stream else "",
        address=address_of(scope),
    )


def address_of(scope: Scope) -> str:
    """The visitor's network; behind a trusted proxy the server has put the visitor's own address here (config/server.py)."""
    client = scope.get("client")
    return network_of(client[0]) if client else ""


def header(scope: Scope, wanted: bytes) -> bytes:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return b""


def cookie_of(scope: Scope, name: str) -> str:
    try:
        jar = SimpleCookie(header(scope, b"cookie").decode("latin-1"))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


class BadRequest(ZaituError):
    """Nobody means such a request."""

    code = "bad_request"


class MethodNotAllowed(ZaituError):
    """Only reading is possible here."""

    code = "method_not_allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__()


def must_be(scope: Scope, *methods: str) -> None:
    """Raises MethodNotAllowed, TooLarge for an address of more than 2,000 bytes, or BadRequest for one of more than 20 fields."""
    if scope["method"] not in methods:
        raise MethodNotAllowed(methods)
    if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST:
        raise TooLarge("网址太长")
    if scope["query_string"].count(b"&") >= _FIELDS:
        raise BadRequest


async def send_json(send: Send, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    all_headers = [JSON, length(body), NOSNIFF, *headers]
    await send({"type": "http.response.start", "status": 200, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


async def send_not_modified(send: Send, etag: bytes) -> None:
    headers = [(b"etag", etag), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def send_problem(send: Send, error: ZaituError, lang: str) -> None:
    """The problem document; nothing of the question is repeated in it."""
    with translation.override("en" if lang == "en" else "zh-hans"):
        if isinstance(error, NotFound):
            said = _("查不到这个运单，请核对单号和手机号后四位。")
            status, document = 404, problems.document(404, NotFound.code, said)
        elif isinstance(error, MethodNotAllowed):
            status, document = 405, problems.document(405, error.code)
        elif isinstance(error, BadRequest):
            status, document = 400, problems.document(400, error.code)
        else:
            status, document = problems.problem(error)
        body = json.dumps(document, ensure_ascii=False).encode()
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        length(body),
        NOSNIFF,
        (b"cache-control", b"no-store"),
    ]
    headers += [(name.lower().encode(), value.encode()) for name, value in problems.headers(error).items()]
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
