"""What Tencent Cloud allows.

Its gateway takes 3,000 SendSms a second, so the couriers' sixteen hands (some 200 a second) need no brake of their own; when it asks
for one (`RequestLimitExceeded`), the whole way rests. What it limits is the number: by default one SMS in 30 seconds and ten a day.
"""

import re
from collections.abc import Mapping
from typing import Final

from django.conf import settings

from zaitu.notify.channels.sms import refuses_links
from zaitu.notify.domain.saying import VARIABLES, Template, variables_of

_CODE: Final = re.compile(r"[0-9]{1,20}")
_NAMED: Final = re.compile(r"\{([a-z_]+)\}")


def variable_chars() -> int:
    """Of one variable: 6 for accounts made since 2024, more when Tencent has granted it."""
    return int(settings.ZAITU_TENCENT_SMS_VARIABLE_CHARS)


def submitted(text: str) -> str:
    """The text as it is given to Tencent for approval: `{1}`, in the order in which variables are named first."""
    numbers = {name: number for number, name in enumerate(variables_of(text), start=1)}
    return _NAMED.sub(lambda found: f"{{{numbers[found[1]]}}}", text)


def template_refused(template: Template) -> Mapping[str, str]:
    """Field → why Tencent would not take it; empty when it would."""
    names, longest = variables_of(template.text), variable_chars()
    found = {}
    if template.code and not _CODE.fullmatch(template.code):
        found["code"] = "腾讯云的模板 ID 是一串数字，如 1110"
    linked = refuses_links(template.text, names, submitted=f"{settings.ZAITU_PUBLIC_URL}/k/{{token}}")
    long = [name for name in names if len(VARIABLES[name][1]) > longest]
    twice = [name for name in names if template.text.count(f"{{{name}}}") > 1]
    if linked:
        found["text"] = linked
    elif twice:
        found["text"] = f"腾讯云的变量按顺序编号，{{{twice[0]}}} 只能用一次"
    elif long:
        found["text"] = (
            f"变量 {{{long[0]}}} 约 {len(VARIABLES[long[0]][1])} 个字，腾讯云账号现在只允许 {longest} 个："
            "请先在腾讯云申请更长的变量，再把 ZAITU_TENCENT_SMS_VARIABLE_CHARS 设为批准的字数"
        )
    elif "【" in template.text or "】" in template.text:
        found["text"] = "签名由系统加在前面，模板里不能有【】"
    return found
