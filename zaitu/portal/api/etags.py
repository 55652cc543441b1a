"""ETags of what is read: the same content is the same tag, and `If-None-Match` saves sending it."""

import hashlib
import re
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

_TAGS: Final = re.compile(r'(?:W/)?("[^"]*")')


def with_etag(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """A 200 with its ETag, or 304 for who has it; anything else as it is. It is for this key alone."""
    if answer.status_code != 200:
        return answer
    tag = f'"{hashlib.blake2b(answer.content, digest_size=12).hexdigest()}"'
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or tag in _TAGS.findall(known):
        answer = HttpResponseNotModified()
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    answer["Vary"] = "Authorization, Cookie, Accept-Language"
    return answer
