"""Templates as the people who look after them see them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.notices import Kind
from zaitu.notify.domain.saying import VARIABLES, Template, said, sms_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    kind: str
    channel: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePreview:
    """What a person would read, with example values."""

    text: str
    characters: int
    """With the signature, as operators count."""
    parts: int
    """SMS that it takes; 1 on other channels."""
    submitted: str
    """As the provider wants it for approval, with its own way to write variables; empty where nothing is approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateView:
    kind: Kind
    kind_text: str
    channel: Channel
    channel_text: str
    text: str
    code: str
    own: bool
    """Whether the company has written it; otherwise it is the default."""
    default: str
    needs_code: bool
    """Whether nothing is sent without the provider's code."""
    refused: str
    """Why the provider in use would not take it as it stands (it was written for another one); may be empty."""
    preview: TemplatePreview
    changed_at: datetime | None
    changed_by: str


def previewed(template: Template, *, sign: str, known: Mapping[str, str], submitted: str) -> TemplatePreview:
    """`sign`: before an SMS, without brackets; `known`: real values that stand for the examples."""
    examples = {name: example for name, (_, example) in VARIABLES.items()} | dict(known)
    text = said(template, examples).text
    whole = f"【{sign}】{text}" if sign and template.channel is Channel.SMS else text
    return TemplatePreview(
        text=whole,
        characters=len(whole.encode("utf-16-be")) // 2,
        parts=sms_parts(whole) if template.channel is Channel.SMS else 1,
        submitted=submitted,
    )
