"""Where webhooks may go: the rules of an address, before and after its name is looked up."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from zaitu.kernel.errors import Invalid
from zaitu.notify.domain.notices import Kind

URL_MAX: Final = 500
ENDPOINTS_PER_CUSTOMER: Final = 10
_PRINTABLE: Final = re.compile(r"[!-~]+").fullmatch
"""Other characters belong percent-encoded or in punycode; control characters could end a request line."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_PORTS_BELOW_1024: Final = (80, 443)

ENDPOINT_KINDS: Final = (
    Kind.ACCEPTED, Kind.DEPARTED, Kind.STOP, Kind.SOON, Kind.SIGNED, Kind.EXCEPTION, Kind.CORRECTION,
)  # fmt: skip
"""What a customer's system can be told; the others speak to one person, or to staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDraft:
    customer_code: str
    url: str
    kinds: frozenset[str] = field(default_factory=frozenset)
    """Which `Kind`s it hears; empty: every one."""
    id: int | None = None
    """Set: change this endpoint (and switch it on again). None: a new one."""


def url_parts(url: str, *, private_allowed: bool) -> SplitResult:
    """The parts of an acceptable webhook address; raises Invalid (field `url`) with what to do.

    Plain http is for closed networks only: bodies name shipments.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _wrong("网址格式不正确，请填写完整地址，如 https://erp.example.cn/zaitu") from None
    schemes = ("https", "http") if private_allowed else ("https",)
    if parts.scheme not in schemes or not parts.hostname or len(url) > URL_MAX or not _PRINTABLE(url.strip()):
        raise _wrong("请填写以 https:// 开头的完整地址，最长 500 个字符")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _wrong("网址中不能包含用户名、密码或 #")
    if port is not None and port < 1024 and port not in _PORTS_BELOW_1024 and not private_allowed:
        raise _wrong("端口只能是 80、443 或 1024 以上")
    return parts


def kinds_checked(kinds: Iterable[str]) -> list[str]:
    """The kinds in the order of `Kind`; raises Invalid (field `kinds`) for one that does not exist."""
    chosen = set(kinds)
    known = [kind.value for kind in ENDPOINT_KINDS]
    if chosen - set(known):
        raise Invalid("没有这种通知", fields={"kinds": f"可选：{'、'.join(known)}"})
    return [kind for kind in known if kind in chosen]


def is_public(address: str) -> bool:
    """Whether an IP address is one on the open internet. Those that carry another address inside are judged by that one."""
    ip = ip_address(address.partition("%")[0])
    inner = _inner(ip) if isinstance(ip, IPv6Address) else None
    if inner is not None:
        ip = inner
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or site_local)


def _inner(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _wrong(message: str) -> Invalid:
    return Invalid(message, fields={"url": message})
