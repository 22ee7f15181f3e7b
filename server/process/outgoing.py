"""Calls to the outside, which a name in a setting cannot turn to the inside.

An address that a setting spells out is what its author meant, and so is localhost. A name is
whatever its DNS says at the moment: if that is an address of an inside network (private, of this
machine, of the link, as that of a cloud's metadata), nothing is asked there, unless a network of
OUTGOING_NETWORKS has it. The address that was checked is the one that is connected to.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from socket import AddressFamily
from typing import Any

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

Networks = Sequence[IPv4Network | IPv6Network]


class InsideAddress(OSError):
    """A name stands for an address of an inside network, which is not allowed."""


class OutsideResolver(ThreadedResolver):
    """Looks up names, and gives only addresses that are outside or in an allowed network."""

    def __init__(self, allowed: Networks) -> None:
        super().__init__()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises `InsideAddress` if there are only inside ones."""
        found = await super().resolve(host, port, family)
        if host == "localhost":
            return found
        usable = [each for each in found if self._may_be_asked(each["host"])]
        if not usable:
            raise InsideAddress(
                f"the name {host} stands for an address of an inside network, which "
                "OUTGOING_NETWORKS does not allow"
            )
        return usable

    def _may_be_asked(self, text: str) -> bool:
        address = ip_address(text)
        # An IPv6 address can hold one of IPv4, and is then that.
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_global or any(address in network for network in self._allowed)


def open_session(allowed: Networks, **options: Any) -> aiohttp.ClientSession:
    """Return a session for calls to the outside, which keeps no cookies; close it."""
    connector = aiohttp.TCPConnector(resolver=OutsideResolver(allowed))
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **options
    )


def why_not_connected(error: aiohttp.ClientConnectorError) -> str:
    """Return what is wrong, with the name of the host but not the address that was asked for."""
    if isinstance(error.os_error, InsideAddress):
        return str(error.os_error)
    return f"no connection to {error.host}, port {error.port}"


def why_no_answer(error: aiohttp.ClientError, receiver: str) -> str:
    """Return what went wrong, without the address, because a webhook's address is secret.

    `receiver` is what to call it where its host is not known.
    """
    match error:
        case aiohttp.ClientConnectorError(os_error=InsideAddress() as inside):
            return str(inside)
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} cannot be looked up (DNS)"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host} is not valid (TLS): {error.certificate_error}"
        case aiohttp.ClientConnectorSSLError():
            return f"cannot connect securely to {error.host} (TLS): {error.strerror}"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to {error.host}, port {error.port}: {error.strerror}"
        case aiohttp.InvalidURL():
            return "the address is not a valid URL"
    return f"the connection to {receiver} was lost: {type(error).__name__}"
