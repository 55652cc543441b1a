"""Tencent Cloud's signature TC3-HMAC-SHA256 of a JSON request. Pure; tried against what Tencent's own SDK sends (ADR 0088)."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

ALGORITHM: Final = "TC3-HMAC-SHA256"
CONTENT_TYPE: Final = "application/json"
_SIGNED: Final = "content-type;host"


def authorization(
    body: bytes, *, host: str, service: str, at: datetime, secret_id: str, secret_key: str
) -> str:
    """The header `authorization` of a POST of `body` to `/`. `at`: aware, the same as in x-tc-timestamp."""
    day = at.astimezone(UTC).date().isoformat()
    scope = f"{day}/{service}/tc3_request"
    digest = hashlib.sha256(body).hexdigest()
    request = f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\n\n{_SIGNED}\n{digest}"
    said = f"{ALGORITHM}\n{int(at.timestamp())}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
