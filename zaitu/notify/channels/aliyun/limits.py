"""What Aliyun allows.

Its gateway takes thousands of SendSms a second, so the couriers' sixteen hands (some 200 a second) need no brake of their own; when it
asks for one (`Throttling`), the whole way rests. What it limits is the number: by default 50 notices of one sign and template a day.
"""

import re
from collections.abc import Mapping
from typing import Final

from django.conf import settings

from zaitu.notify.channels.sms import refuses_links
from zaitu.notify.domain.saying import VARIABLES, Template, variables_of

VARIABLE_CHARS: Final = 35
"""Of one variable in a notice's template (since 2018)."""
TEXT_CHARS: Final = 500
_CODE: Final = re.compile(r"SMS_[0-9]{1,20}")
_NAMED: Final = re.compile(r"\{([a-z_]+)\}")


def submitted(text: str) -> str:
    """The text as it is given to Aliyun for approval: `${waybill}`."""
    return _NAMED.sub(r"${\1}", text)


def template_refused(template: Template) -> Mapping[str, str]:
    """Field → why Aliyun would not take it; empty when it would."""
    names = variables_of(template.text)
    found = {}
    if template.code and not _CODE.fullmatch(template.code):
        found["code"] = "阿里云的模板编号形如 SMS_154950909"
    linked = refuses_links(template.text, names, submitted=f"{settings.ZAITU_PUBLIC_URL}/k/{{token}}")
    long = [name for name in names if len(VARIABLES[name][1]) > VARIABLE_CHARS]
    if linked:
        found["text"] = linked
    elif long:
        found["text"] = f"变量 {{{long[0]}}} 可能超过阿里云允许的 {VARIABLE_CHARS} 个字"
    elif "【" in template.text or "】" in template.text:
        found["text"] = "签名由系统加在前面，模板里不能有【】"
    return found
