"""Finds who sent a request: the address behind the trusted proxies."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web

from server.keys import SETTINGS

_FORWARDED_FOR = "X-Forwarded-For"


def client_address(request: web.Request) -> str:
    """Return the sender's address, or the proxy's own if the proxy says nothing usable.

    Each proxy appends the address that called it to ``X-Forwarded-For``. So anything before the
    first untrusted address from the end may be invented by anybody.
    """
    trusted = request.app[SETTINGS].trusted_proxies
    address = _parsed(request.remote or "")
    if address is None:
        return request.remote or "unknown"
    hops = [
        each for value in request.headers.getall(_FORWARDED_FOR, ()) for each in value.split(",")
    ]
    while hops and any(address in network for network in trusted):
        before = _parsed(hops.pop())
        if before is None:
            break
        address = before
    return str(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
