"""What operators' gateways take, told before anything is sent.

Rates are kept by the line itself: at most `rate` messages a second (the setting's address), at most `window` of them unanswered, and
none for a moment after the gateway has asked to slow down (`line.SLOW_DOWN_S`). It is the account's contract that says how many.
"""

import re
from collections.abc import Mapping
from typing import Final

from django.conf import settings

from zaitu.notify.channels.operators.parts import PARTS_MOST
from zaitu.notify.domain.saying import SMS_EACH, VARIABLES, Template, said

TEXT_MOST: Final = PARTS_MOST * SMS_EACH
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def signed(text: str) -> str:
    """As it leaves: the signature first, which operators demand in the text itself."""
    sign = settings.ZAITU_SMS_SIGN
    return f"【{sign}】{text}" if sign else text


def submitted(text: str) -> str:
    """The text as it is given to an operator that wants to see templates beforehand: as it is."""
    return text


def template_refused(template: Template) -> Mapping[str, str]:
    """Field → why messages made from it would be refused; empty when nothing is known against it.

    There are no codes, no forbidden variables and no forbidden addresses here: operators look at the finished text.
    """
    usual = said(template, {name: example for name, (_, example) in VARIABLES.items()}).text
    if settings.ZAITU_SMS_SIGN and template.text.startswith("【"):
        return {"text": "签名由系统加在前面，模板里不要再写"}
    if _CONTROL.search(template.text):
        return {"text": "含有不能发送的控制字符"}
    if len(signed(usual).encode("utf-16-be")) // 2 > TEXT_MOST:
        return {"text": f"太长：连同签名和变量最多 {TEXT_MOST} 个字"}
    return {}
