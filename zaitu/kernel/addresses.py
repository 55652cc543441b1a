"""Whose attempts are counted together."""

from ipaddress import IPv6Address

from django.http import HttpRequest


def network_of(address: str) -> str:
    """One IPv4 address, or one IPv6 /64 by its first address: what one subscriber is given, who may change within it at will.

    Anything that is no address stands for itself.
    """
    try:
        ip = IPv6Address(address)
    except ValueError:
        return address
    return str(ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64))


def client_network(request: HttpRequest) -> str:
    """The visitor's network; behind a trusted proxy the server has put the visitor's own address here (config/server.py)."""
    return network_of(request.META.get("REMOTE_ADDR", ""))
