"""What every page's template knows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation


def page(request: HttpRequest) -> dict[str, object]:
    """`lang` (zh|en), `html_lang`, `other_lang` with the address that switches to it, and the company's name."""
    english = (translation.get_language() or "").startswith("en")
    query = request.GET.copy()
    query["lang"] = "zh" if english else "en"
    return {
        "lang": "en" if english else "zh",
        "html_lang": "en" if english else "zh-Hans",
        "lang_switch_url": f"{request.path}?{query.urlencode()}",
        "lang_switch_text": "中文" if english else "EN",
        "company_name": getattr(settings, "ZAITU_COMPANY_NAME", "") or ("Zaitu" if english else "在途"),
    }
