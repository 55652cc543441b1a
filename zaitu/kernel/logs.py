"""Structured logs that never hold personal data or secrets: one processor blots them out of every line."""

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

BLOT: Final = "***"
_SECRET_NAMES: Final = re.compile(
    r"(?:^|[_-])(?:phones?|mobiles?|tel|tails?|tokens?|secrets?|passwords?|authorization|cookies?|api_?keys?"
    r"|address(?:es)?|e?mails?|signatures?)(?:[_-]|$)",
    re.IGNORECASE,
)
# A waybill's 13 digits stay readable; Chinese mobiles and landlines are blotted wherever they stand alone.
_PHONE: Final = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9])")
_LANDLINE: Final = re.compile(r"(?<![0-9A-Za-z])0\d{2,3}[- ]?[2-9]\d{6,7}(?![0-9])")
_IN_ADDRESS: Final = re.compile(r"(?i)\b(phone_tail|tail|token|k|s|key|sig|password)=([^&\s\"']+)")
_IN_PATH: Final = re.compile(r"(/(?:k|callbacks/[\w-]+|t/[^/\s]+/files)/)[^/\s?\"']+")
"""Addresses that open something by themselves."""
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_URL_PASSWORD: Final = re.compile(r"(://[^:/@\s]+:)[^@\s/]+(@)")


def blotted(text: str) -> str:
    """The text with phones, tails, tokens, passwords and e-mail addresses blotted out."""
    text = _URL_PASSWORD.sub(rf"\1{BLOT}\2", text)
    text = _IN_ADDRESS.sub(rf"\1={BLOT}", text)
    text = _IN_PATH.sub(rf"\1{BLOT}", text)
    text = _BEARER.sub(rf"\1 {BLOT}", text)
    text = _EMAIL.sub(BLOT, text)
    return _LANDLINE.sub(BLOT, _PHONE.sub(BLOT, text))


def _clean(name: str, value: Any) -> Any:
    if _SECRET_NAMES.search(name) and value not in (None, "", True, False):
        return BLOT
    if isinstance(value, str):
        return blotted(value)
    if isinstance(value, bytes):
        return blotted(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", inner) for inner in value]
    return value


def redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor for structlog: blot by name (`phone=…`) and by look (an 11-digit mobile in free text)."""
    for name, value in line.items():
        line[name] = _clean(name, value)
    return line


_SHARED: Final = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact,
)


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def formatter(*, people: bool = False) -> logging.Formatter:
    """For settings.LOGGING (`{"()": "zaitu.kernel.logs.formatter"}`): one JSON object a line, or text for people.

    Lines of other libraries pass the same redaction.
    """
    show: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, show],
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of one part, e.g. `logger("telemetry.gateway")`; pass facts as keywords, not inside the text."""
    made: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"zaitu.{name}")
    return made
