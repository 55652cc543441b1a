"""Aliyun's signature ACS3-HMAC-SHA256 of a request without a body. Pure; tried against what Aliyun's own SDK sends (ADR 0088)."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "ACS3-HMAC-SHA256"
NO_BODY: Final = hashlib.sha256(b"").hexdigest()


def query_of(parameters: Mapping[str, str]) -> str:
    """As it is signed and sent: sorted, every octet that is not unreserved percent-encoded."""
    return "&".join(
        f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters)
    )


def headers_of(action: str, *, host: str, version: str, nonce: str, at: datetime) -> dict[str, str]:
    """Those that are signed. `nonce`: of this request only; `at`: aware, within 15 minutes of Aliyun's clock."""
    return {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": NO_BODY,
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }


def authorization(query: str, headers: Mapping[str, str], *, key_id: str, secret: str) -> str:
    """The header `authorization` of a POST to `/?query`; all of `headers` (lower case) are signed."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = f"POST\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
    said = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"
