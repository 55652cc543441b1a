"""Drafts, views and the checks of customers and contacts."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from zaitu.kernel.errors import Invalid
from zaitu.kernel.phones import address_masked, name_masked, phone_masked, phone_normal
from zaitu.kernel.words import hides

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,19}")
_EMAIL: Final = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


class CustomerKind(StrEnum):
    CONTRACT = "contract"
    """合同客户"""
    RETAIL = "retail"
    """散客"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDraft:
    code: str
    """2–20 of letters, digits, `_`, `-`."""
    name: str
    kind: CustomerKind = CustomerKind.CONTRACT
    email: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    code: str
    name: str
    kind: CustomerKind
    email: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDraft:
    name: str
    phone: str
    """Any usual spelling; kept in one (kernel.phones.phone_normal)."""
    city: str
    address: str
    email: str = ""
    customer_code: str | None = None
    """Whose contact this is; a customer's key always makes its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactView:
    id: int
    name: str
    phone: str
    city: str
    address: str
    email: str
    masked: bool
    """The four personal fields are masked after GB/T 41833."""
    erased: bool = False


def customer_checked(draft: CustomerDraft) -> CustomerDraft:
    """The draft in its stored spelling; raises Invalid naming every wrong field."""
    code, name, email = draft.code.strip(), draft.name.strip(), draft.email.strip()
    wrong: dict[str, str] = {}
    if not _CODE.fullmatch(code):
        wrong["code"] = "客户编号为 2–20 位字母、数字、横线"
    if not name or len(name) > 80:
        wrong["name"] = "客户名称为 1–80 个字"
    elif hides(name):
        wrong["name"] = "客户名称含有不可见的控制字符"
    if email and not email_looks_right(email):
        wrong["email"] = "邮箱地址不正确"
    if wrong:
        raise Invalid("客户资料有误", fields=wrong)
    return CustomerDraft(
        code=code, name=name, kind=CustomerKind(draft.kind), email=email, active=draft.active
    )


def contact_checked(draft: ContactDraft) -> ContactDraft:
    """The draft in its stored spelling; raises Invalid naming every wrong field."""
    name, city, address, email = (
        text.strip() for text in (draft.name, draft.city, draft.address, draft.email)
    )
    phone, wrong = draft.phone, {}
    try:
        phone = phone_normal(draft.phone)
    except Invalid as error:
        wrong["phone"] = error.message
    for field, text, most, what in (
        ("name", name, 60, "姓名"),
        ("city", city, 40, "城市"),
        ("address", address, 200, "地址"),
    ):
        if not text:
            wrong[field] = f"请填写{what}"
        elif len(text) > most:
            wrong[field] = f"{what}最多 {most} 个字"
        elif hides(text):
            wrong[field] = f"{what}含有不可见的控制字符"
    if email and not email_looks_right(email):
        wrong["email"] = "邮箱地址不正确"
    if wrong:
        raise Invalid("联系人资料有误", fields=wrong)
    return ContactDraft(
        name=name, phone=phone, city=city, address=address, email=email, customer_code=draft.customer_code
    )


def email_looks_right(email: str) -> bool:
    """Loosely: one @, a dotted host, nothing that could smuggle a header or a second address."""
    return len(email) <= 254 and _EMAIL.fullmatch(email) is not None


def email_masked(email: str) -> str:
    """`w***@example.cn`."""
    local, at, host = email.partition("@")
    return f"{local[:1]}***{at}{host}" if at else ""


def masked(contact: ContactView) -> ContactView:
    return ContactView(
        id=contact.id,
        name=name_masked(contact.name),
        phone=phone_masked(contact.phone),
        city=contact.city,
        address=address_masked(contact.address),
        email=email_masked(contact.email),
        masked=True,
        erased=contact.erased,
    )
