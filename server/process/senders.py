"""Who is one sender, where requests are counted by their addresses."""

from ipaddress import IPv6Address, ip_address, ip_network


def sender_of(address: str) -> str:
    """Return the address, or its /64 network for IPv6, where one address comes with 2^64 others."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), 64), strict=False))
    return address
