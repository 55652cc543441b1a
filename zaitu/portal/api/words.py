"""What is wrong with a field, in words: the validator's English, or Chinese for the same."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.http import HttpRequest

_OTHER: Final = "内容不正确"
_WORDS: Final[Mapping[str, str]] = {
    "missing": "必填",
    "extra_forbidden": "没有这个字段",
    "string_type": "须为文字",
    "string_unicode": "不是有效的 Unicode 文字",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "不能含控制字符",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_parsing_size": "数字太大",
    "int_from_float": "须为整数",
    "float_type": "须为数字",
    "float_parsing": "须为数字",
    "finite_number": "须为有限的数",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "literal_error": "只能是 {expected}",
    "list_type": "须为数组",
    "too_long": "最多 {max_length} 项",
    "model_type": "须为对象",
    "model_attributes_type": "须为对象",
    "dict_type": "须为对象",
}
"""By pydantic's error type; the names in braces are of its context."""


def wrong_fields(request: HttpRequest, errors: list[dict[str, Any]]) -> dict[str, str]:
    """Field (`pieces`, `consignee.phone`, as the rooms' rules name it) → what is wrong; English for who asks for it."""
    return {_field(one["loc"]): _said(request, one) for one in errors}


def wrong_in(request: HttpRequest, errors: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The same of one object by itself, as pydantic tells it."""
    return {".".join(str(part) for part in one["loc"]) or "body": _said(request, one) for one in errors}


def _said(request: HttpRequest, error: Mapping[str, Any]) -> str:
    english = request.headers.get("Accept-Language", "").lower().startswith("en")
    return str(error["msg"]) if english else _chinese(error)


def _field(where: tuple[str | int, ...]) -> str:
    """Ninja says where it stood, and for a body the name of the view's argument."""
    inside = where[2:] if where[0] == "body" else where[1:]
    return ".".join(str(part) for part in inside) or "body"


def _chinese(error: Mapping[str, Any]) -> str:
    return _WORDS.get(error["type"], _OTHER).format_map(error.get("ctx", {}))
