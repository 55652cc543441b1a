"""Errors of the house as HTTP: RFC 9457 problem documents and honest words for people.

Rooms know nothing of HTTP; this table is the only place that gives their errors numbers.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from zaitu.kernel import errors

STATUS: Final[dict[type[errors.ZaituError], int]] = {
    errors.NotAuthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Invalid: 422,
    errors.Conflict: 409,
    errors.RuleBroken: 409,
    errors.TooLarge: 413,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}
MEDIA_TYPE: Final = "application/problem+json"
_DATABASE_BACK_S: Final = 5
"""A restart of the database takes about so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a page says for one HTTP status: what happened, and what to do now."""

    title: Any
    """Lazy translation."""
    advice: Any
    icon: str


WORDS: Final[dict[int, Words]] = {
    400: Words(title=_("请求有误"), advice=_("请返回上一页，刷新后重试。"), icon="alert-circle"),
    401: Words(title=_("请先登录"), advice=_("登录后再打开这个页面。"), icon="lock"),
    403: Words(title=_("没有权限"), advice=_("您的账号不能查看或操作这里，请联系管理员。"), icon="lock"),
    404: Words(title=_("没有找到"), advice=_("请核对网址或单号，或回到首页重新查询。"), icon="search"),
    405: Words(
        title=_("不支持这种操作"),
        advice=_("请返回上一页重试；调用接口的请核对请求方法。"),
        icon="alert-circle",
    ),
    409: Words(title=_("现在不能这样做"), advice=_("情况可能已经变化，请刷新后再看。"), icon="refresh"),
    413: Words(title=_("内容太大"), advice=_("请缩小后重试。"), icon="file-text"),
    415: Words(
        title=_("不支持这种格式"),
        advice=_("请以 JSON 发送（Content-Type: application/json）。"),
        icon="file-text",
    ),
    422: Words(title=_("内容有误"), advice=_("请按提示修改后重新提交。"), icon="edit"),
    429: Words(title=_("操作太频繁"), advice=_("请稍等片刻再试。"), icon="clock"),
    500: Words(
        title=_("系统出错了"), advice=_("问题已记录。请稍后重试，您的数据没有丢失。"), icon="alert-triangle"
    ),
    503: Words(title=_("服务暂时不可用"), advice=_("正在恢复，请一两分钟后重试。"), icon="refresh"),
}


def told(error: BaseException | None) -> errors.ZaituError | None:
    """What a caller can be told of this: an error of the house itself, Unavailable for a database that does not answer; else None."""
    if isinstance(error, OperationalError | InterfaceError):
        return errors.Unavailable(retry_after_s=_DATABASE_BACK_S)
    return error if isinstance(error, errors.ZaituError) else None


def status_of(error: errors.ZaituError) -> int:
    """HTTP status of an error, by its nearest listed ancestor; 500 when none is listed."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def document(status: int, code: str, detail: str = "", **extra: object) -> dict[str, Any]:
    """An RFC 9457 problem document. `code` is stable; `title` and `detail` are for people."""
    words = WORDS.get(status, WORDS[500])
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": str(words.title),
        "status": status,
        "code": code,
        "detail": detail or str(words.advice),
    }
    return body | {key: value for key, value in extra.items() if value}


def problem(error: errors.ZaituError) -> tuple[int, dict[str, Any]]:
    """HTTP status and problem document of an error of the house.

    Invalid adds `fields` (field → what is wrong), RateLimited and Unavailable add `retry_after_s` where it is known.
    """
    status = status_of(error)
    extra: dict[str, object] = {}
    if isinstance(error, errors.Invalid):
        extra["fields"] = error.fields
    if isinstance(error, errors.RateLimited | errors.Unavailable):
        extra["retry_after_s"] = error.retry_after_s
    return status, document(status, error.error_code, said(error), **extra)


def headers(error: errors.ZaituError) -> dict[str, str]:
    """HTTP headers that go with the answer to an error: when to try again, how to sign in."""
    if isinstance(error, errors.RateLimited | errors.Unavailable) and error.retry_after_s is not None:
        return {"Retry-After": str(error.retry_after_s)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, errors.NotAuthenticated) else {}


def said(error: errors.ZaituError) -> str:
    """The error's own words where somebody wrote them for people (Chinese); otherwise empty.

    The English default of an error class is for developers and never shown.
    """
    return error.message if any("\u4e00" <= letter <= "\u9fff" for letter in error.message) else ""
