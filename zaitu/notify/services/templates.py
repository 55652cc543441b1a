"""The company's own words: looked at, tried and changed by people."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.db import transaction

from zaitu.access.public import audit
from zaitu.kernel import clock
from zaitu.kernel.errors import Invalid, NotFound
from zaitu.kernel.principal import Principal
from zaitu.network import public as network
from zaitu.notify.channels.installed import template_rules, usable
from zaitu.notify.domain.delivery import CHANNEL_TEXTS, Channel
from zaitu.notify.domain.notices import KIND_TEXTS, STAFF_KINDS, Kind
from zaitu.notify.domain.saying import AT_LENGTH, DEFAULTS, LANGUAGE, Template, template_checked
from zaitu.notify.domain.templates import TemplateDraft, TemplatePreview, TemplateView, previewed
from zaitu.notify.models import MessageTemplate

KINDS: Final = tuple(kind for kind in Kind if kind not in STAFF_KINDS)


def channels() -> tuple[Channel, ...]:
    """Those that say one sentence: SMS always, so that templates can be written before a provider is chosen; others that are there."""
    return tuple(one for one in Channel if one not in AT_LENGTH and (one is Channel.SMS or one in usable()))


def templates_list() -> list[TemplateView]:
    """Of every kind that people are told of, channel by channel."""
    known = _known()
    return [
        view
        for channel in channels()
        for rows in (_rows(channel),)
        for view in (_view(channel, kind, rows.get(kind), known) for kind in KINDS)
    ]


def template_get(*, channel: str, kind: str) -> TemplateView:
    """Raises NotFound."""
    where, what = _where(channel, kind)
    return _view(where, what, _rows(where).get(what), _known())


def template_preview(*, draft: TemplateDraft) -> TemplatePreview:
    """What a person would read. Raises NotFound, Invalid (as `template_put`)."""
    return _previewed(_checked(draft), _known())


@transaction.atomic
def template_put(*, actor: Principal, draft: TemplateDraft) -> TemplateView:
    """Say it so from the next message on. Raises NotFound, Invalid with the fields `text` and `code`."""
    template = _checked(draft)
    MessageTemplate.objects.update_or_create(
        kind=template.kind,
        channel=template.channel,
        language=template.language,
        defaults={
            "text": template.text,
            "code": template.code,
            "changed_at": clock.now(),
            "changed_by": actor.name[:80],
        },
    )
    audit(actor=actor, action="template.put", subject=_subject(template.channel, template.kind))
    return template_get(channel=template.channel, kind=template.kind)


@transaction.atomic
def template_reset(*, actor: Principal, channel: str, kind: str) -> TemplateView:
    """Back to the default; again without effect. Raises NotFound."""
    where, what = _where(channel, kind)
    gone, _ = MessageTemplate.objects.filter(channel=where, kind=what, language=LANGUAGE).delete()
    if gone:
        audit(actor=actor, action="template.reset", subject=_subject(where, what))
    return template_get(channel=where, kind=what)


def _checked(draft: TemplateDraft) -> Template:
    channel, kind = _where(draft.channel, draft.kind)
    template = template_checked(
        Template(kind=kind, channel=channel, language=LANGUAGE, text=draft.text, code=draft.code[:100])
    )
    rules = template_rules(channel)
    if rules is not None:
        refused = rules.template_refused(template)
        if refused:
            raise Invalid("模板有误", fields=dict(refused))
    return template


def _where(channel: str, kind: str) -> tuple[Channel, Kind]:
    if channel not in channels() or kind not in KINDS:
        raise NotFound("没有这个模板")
    return Channel(channel), Kind(kind)


def _rows(channel: Channel) -> Mapping[str, MessageTemplate]:
    return {row.kind: row for row in MessageTemplate.objects.filter(channel=channel, language=LANGUAGE)}


def _default(channel: Channel, kind: Kind) -> str:
    """Where a provider takes no address as a variable, only its last part is one."""
    if template_rules(channel) is None:
        return DEFAULTS[kind]
    return DEFAULTS[kind].replace("{link}", f"{settings.ZAITU_PUBLIC_URL}/k/{{token}}")


def _view(
    channel: Channel, kind: Kind, row: MessageTemplate | None, known: Mapping[str, str]
) -> TemplateView:
    default = _default(channel, kind)
    template = Template(
        kind=kind,
        channel=channel,
        language=LANGUAGE,
        text=row.text if row else default,
        code=row.code if row else "",
    )
    rules = template_rules(channel)
    return TemplateView(
        kind=kind,
        kind_text=KIND_TEXTS[kind],
        channel=channel,
        channel_text=CHANNEL_TEXTS[channel],
        text=template.text,
        code=template.code,
        own=row is not None,
        default=default,
        needs_code=rules is not None,
        refused=next(iter(rules.template_refused(template).values()), "") if rules else "",
        preview=_previewed(template, known),
        changed_at=row.changed_at if row else None,
        changed_by=row.changed_by if row else "",
    )


def _previewed(template: Template, known: Mapping[str, str]) -> TemplatePreview:
    rules = template_rules(template.channel)
    submitted = rules.submitted(template.text) if rules is not None else ""
    sign = settings.ZAITU_SMS_SIGN or known["company"]
    return previewed(template, sign=sign, known=known, submitted=submitted)


def _known() -> Mapping[str, str]:
    """What stands for the examples because it is known already."""
    company = network.company()
    link = f"{settings.ZAITU_PUBLIC_URL}/k/Q7mX2kT9vLbR4cHs"
    return {
        "company": company.name,
        "link": link,
        **({"hotline": company.hotline} if company.hotline else {}),
    }


def _subject(channel: Channel, kind: Kind) -> str:
    return f"template:{channel.value}/{kind.value}"
