"""What a channel says: one sentence from a template, with its variables filled in. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.delivery import Channel
from zaitu.notify.domain.fields import fields_checked, fields_parsed
from zaitu.notify.domain.notices import Kind

VARIABLES: Final[Mapping[str, tuple[str, str]]] = {
    # name: what it is, an example
    "waybill": ("运单号", "ZT3817460293559"),
    "place": ("地点", "武汉中转站"),
    "eta": ("预计送达", "11月23日 15:20–16:00"),
    "route": ("线路", "上海 → 成都"),
    "pieces": ("件数", "3 件"),
    "signed_by": ("签收方式", "本人签收"),
    "status": ("状态", "在途"),
    "cause": ("原因", "件数短少"),
    "plan": ("处理办法", "正在查找未到的货件"),
    "was": ("原预计送达", "11月23日 12:00–13:00"),
    "count": ("票数", "12"),
    "list": ("运单号列表", "ZT3817460293559 等"),
    "company": ("公司名称", "顺驰物流"),
    "hotline": ("客服电话", "400-800-1234"),
    "token": ("短链接中的编号", "Q7mX2kT9vLbR4cHs"),
    "link": ("查询网址", "https://t.example.cn/k/Q7mX2kT9vLbR4cHs"),
}
TEXT_MAX: Final = 500
"""Characters of a template's text: operators take no longer SMS."""
SMS_ONE, SMS_EACH = 70, 67
"""Characters of an SMS that stands alone, and of each part of a longer one (UCS-2; the parts carry six octets of header)."""
LANGUAGE: Final = "zh-hans"
AT_LENGTH: Final = frozenset({Channel.EMAIL, Channel.WEBHOOK, Channel.ROBOT})
"""Channels that have room for everything and are said without a template; robots speak to staff, of nothing that customers are told."""
MAPPED: Final = frozenset({Channel.WECHAT, Channel.MINI})
"""Channels whose templates are the provider's: our text says what goes into their fields."""

_NAMED: Final = re.compile(r"\{([^{}]*)\}")
_EMPTY: Final = "—"
"""Instead of a variable that is not known: providers refuse an empty one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How an event is said on a channel in a language."""

    kind: Kind
    channel: Channel
    language: str
    text: str
    """With variables in braces: `您的货物{waybill}已签收`."""
    code: str = ""
    """What the provider calls the template that it has approved; empty where none is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    text: str
    """The whole message, without the signature that SMS begin with."""
    link: str
    """Short address of the tracking page; may be empty."""
    code: str
    """`Template.code`."""
    variables: tuple[tuple[str, str], ...]
    """Name and value, in the order in which the template names them first; no value is empty."""
    fields: tuple[tuple[str, str], ...] = ()
    """WeChat's fields and what goes into them, not yet made to fit (domain/fields.py); only where the template maps them."""


DEFAULTS: Final[Mapping[Kind, str]] = {
    Kind.ACCEPTED: "您的货物已下单，运单号{waybill}，预计{eta}送达。查询：{link}",
    Kind.DEPARTED: "您的货物{waybill}已从{place}发车，预计{eta}送达。查询：{link}",
    Kind.STOP: "您的货物{waybill}已途经{place}，预计{eta}送达。查询：{link}",
    Kind.SOON: "您的货物{waybill}即将送达，预计{eta}，请留意接货。查询：{link}",
    Kind.SIGNED: "您的货物{waybill}已签收（{signed_by}）。如有疑问：{link}",
    Kind.EXCEPTION: "您的货物{waybill}：{cause}。{plan}，预计{eta}送达。详情：{link}",
    Kind.CORRECTION: "您的货物{waybill}预计送达改为{eta}（原{was}），{cause}。详情：{link}",
    Kind.REPLY: "客服回复了您关于{waybill}的留言，请查看：{link}",
    Kind.MANY: "您有{count}票货物有新进展：{list}",
    Kind.LINK: "您查询的货物{waybill}，点此查看进展：{link}",
    Kind.TEST: "这是一条测试消息",
    Kind.ALERT: "有一条工作提醒",
}
"""Said where the company has written no template of its own."""


def template_checked(template: Template) -> Template:
    """Raises Invalid: empty or too long, an unknown variable, a brace that is not closed, a field that cannot hold its words."""
    text = template.text.strip()
    if not text or len(text) > TEXT_MAX:
        raise Invalid("模板有误", fields={"text": f"内容为 1–{TEXT_MAX} 个字"})
    unknown = [name for name in _NAMED.findall(text) if name not in VARIABLES]
    if unknown:
        raise Invalid("模板有误", fields={"text": f"没有这个变量：{{{unknown[0]}}}"})
    if "{" in _NAMED.sub("", text) or "}" in _NAMED.sub("", text):
        raise Invalid("模板有误", fields={"text": "花括号没有成对"})
    if template.channel in MAPPED:
        fields_checked(text, {name: example for name, (_, example) in VARIABLES.items()})
    return Template(
        kind=template.kind,
        channel=template.channel,
        language=template.language,
        text=text,
        code=template.code.strip(),
    )


def variables_of(text: str) -> tuple[str, ...]:
    """Names in the order in which they first appear."""
    return tuple(dict.fromkeys(_NAMED.findall(text)))


def said(template: Template, values: Mapping[str, str]) -> Said:
    """`values`: by `VARIABLES`; those that are missing are said as a dash."""

    def filled(text: str) -> str:
        return _NAMED.sub(lambda found: known[found[1]], text)

    known = {name: values.get(name) or _EMPTY for name in variables_of(template.text)}
    return Said(
        text=filled(template.text),
        link=values.get("link", ""),
        code=template.code,
        variables=tuple(known.items()),
        fields=tuple((name, filled(text)) for name, text in _fields(template)),
    )


def _fields(template: Template) -> tuple[tuple[str, str], ...]:
    """None of a template that was never mapped: the default is a sentence."""
    if template.channel not in MAPPED:
        return ()
    try:
        return fields_parsed(template.text)
    except Invalid:
        return ()


def link_short(link: str) -> tuple[str, str]:
    """(short address, its token) of a tracking page's full address `…/t/{waybill}?k={token}`; the address itself where it has none.

    Which conversation it opens (`c`) goes along.
    """
    parts = urlsplit(link)
    asked = parse_qs(parts.query)
    token, talk = (asked.get(name, [""])[0] for name in ("k", "c"))
    if not token:
        return link, ""
    return f"{parts.scheme}://{parts.netloc}/k/{token}" + (f"?c={talk}" if talk else ""), token


def sms_parts(text: str) -> int:
    """How many SMS this takes: characters outside the basic plane count twice (UTF-16)."""
    units = len(text.encode("utf-16-be")) // 2
    return 1 if units <= SMS_ONE else -(-units // SMS_EACH)
