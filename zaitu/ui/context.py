"""What every page's template knows."""

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from zaitu.network import public as network


def page(request: HttpRequest) -> dict[str, object]:
    """`lang` (zh|en), `html_lang`, `other_lang` with the address that switches to it, the company's name and hotline."""
    english = (translation.get_language() or "").startswith("en")
    query = _query(request)
    query["lang"] = "zh" if english else "en"
    return {
        "lang": "en" if english else "zh",
        "html_lang": "en" if english else "zh-Hans",
        "lang_switch_url": f"{request.path}?{query.urlencode()}",
        "lang_switch_text": "中文" if english else "EN",
        "company_name": SimpleLazyObject(lambda: company_name(network.company())),
        "hotline": SimpleLazyObject(lambda: network.company().hotline),
    }


def company_name(company: network.CompanyView) -> str:
    """The company's name; the product's own while it has none."""
    english = (translation.get_language() or "").startswith("en")
    return company.name or ("Zaitu" if english else "在途")


def _query(request: HttpRequest) -> QueryDict:
    """A copy to change; empty for an address Django refuses to take apart (this is then the page that says so)."""
    try:
        return request.GET.copy()
    except SuspiciousOperation:
        return QueryDict(mutable=True)
