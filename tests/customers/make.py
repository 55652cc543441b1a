from zaitu.customers.public import ContactDraft, CustomerDraft, contact_put, customer_put
from zaitu.kernel.principal import system


def customer(code="ACME", name="江南精密仪器", **fields):
    return customer_put(actor=system("test"), draft=CustomerDraft(code=code, name=name, **fields))


def contact_draft(**fields):
    return ContactDraft(
        **{
            "name": "王小明",
            "phone": "138 1234 5678",
            "city": "成都",
            "address": "锦江区红星路三段16号2栋1203室",
            "email": "wang@example.cn",
        }
        | fields
    )


def contact(**fields) -> int:
    return contact_put(actor=system("test"), draft=contact_draft(**fields))
