"""Who may see the pages and the API. Until there are accounts: whoever is on this machine.

Three things must hold, because each alone can be had from afar: the connection comes from a
loopback address (not from the network), the Host is a loopback name (a page elsewhere could have
its own name resolve to 127.0.0.1), and no proxy has had the request (everybody's requests come
from loopback then).
"""

import functools
import ipaddress
import re
from collections.abc import Awaitable, Callable

from aiohttp import HttpVersion11, hdrs, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPERATOR = 1
"""The one person there is (`server.storage.people.make_operator`)."""

_PROXY_HEADERS = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip"})
_PROXY_PREFIXES = ("x-forwarded-", "x-original-", "cf-")
_HOST = re.compile(r"(?P<name>\[[^\]]+\]|[^:\[\]]+)(?::\d+)?")

_HOW = (
    "PushLog has no accounts yet, so its pages and its API answer only on the machine that it "
    "runs on. From elsewhere, forward the port over SSH (ssh -L {port}:localhost:{port} "
    "YOU@THIS-SERVER) and open http://localhost:{port}/ on your own machine. Webhooks are "
    "accepted from anywhere."
)


def person_id(_request: web.Request) -> int:
    """Whose bell it is."""
    return OPERATOR


def for_people(handler: Handler) -> Handler:
    """Answer 403 with the reason and the way in, unless the request comes from this machine.

    What changes something is refused from pages of other sites as well: the browser of somebody
    on this machine would send it for them.
    """

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        refused = why_not_local(request)
        if refused is not None:
            raise web.HTTPForbidden(text=f"{refused} {_HOW.format(port=_port(request))}")
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD) and from_another_site(request):
            raise web.HTTPForbidden(text="This came from a page of another site, and was not done.")
        return await handler(request)

    return guarded


def why_not_local(request: web.BaseRequest) -> str | None:
    """What shows that the request may come from elsewhere, as a sentence; none if nothing does."""
    peer = _peer(request)
    if not _is_loopback(peer):
        return f"This request comes from {peer or 'an unknown address'}."
    name = _HOST.fullmatch(request.headers.get(hdrs.HOST, ""))
    if name is None or not (name["name"].lower() == "localhost" or _is_loopback(name["name"])):
        return "This request is not addressed to localhost."
    for header in request.headers:
        if header.lower() in _PROXY_HEADERS or header.lower().startswith(_PROXY_PREFIXES):
            return f"This request came through a proxy (it has the header {header})."
    if request.version < HttpVersion11:
        # nginx left to its defaults adds no header and says Host: localhost, but speaks 1.0.
        return "This request came through a proxy (it speaks HTTP/1.0, which no browser does)."
    return None


def from_another_site(request: web.BaseRequest) -> bool:
    """Whether a browser says that a page of another origin made this request.

    Programs that are no browsers send neither header, and are no way to trick a person.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is not None and origin != f"{request.scheme}://{request.headers.get(hdrs.HOST)}"


def _peer(request: web.BaseRequest) -> str:
    name = request.transport.get_extra_info("peername") if request.transport else None
    return name[0] if isinstance(name, tuple) else ""


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _port(request: web.BaseRequest) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return name[1] if isinstance(name, tuple) else 3000
