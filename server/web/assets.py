"""The static files: few and small, so each is read once, compressed once, and kept in memory.

Pages name each file with a hash of its contents. So a browser keeps it for good, and a new version
has a new address. Without the hash, the browser asks for it again each time, by its ETag.
"""

import functools
import gzip
import hashlib
from pathlib import Path

import msgspec
from aiohttp import hdrs, web

_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(msgspec.Struct, frozen=True):
    """One file; `version` is a hash of its bytes."""

    content_type: str
    version: str
    plain: bytes
    packed: bytes


@functools.cache
def assets() -> dict[str, Asset]:
    """Return every static file by its name."""
    return {path.name: _read(path) for path in sorted(_FOLDER.iterdir())}


def asset_url(name: str) -> str:
    """Return the address at which a page finds this version of the file."""
    return f"/static/{name}?v={assets()[name].version}"


async def serve_asset(request: web.Request) -> web.Response:
    """``GET /static/{name}``."""
    asset = assets().get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    lasting = request.query.get("v") == asset.version
    headers = {
        hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable" if lasting else "no-cache",
        hdrs.ETAG: f'"{asset.version}"',
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        "X-Content-Type-Options": "nosniff",
    }
    if any(tag.value == asset.version for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = asset.content_type
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=asset.packed, headers=headers)
    return web.Response(body=asset.plain, headers=headers)


def _read(path: Path) -> Asset:
    plain = path.read_bytes()
    return Asset(
        content_type=_TYPES[path.suffix],
        version=hashlib.blake2b(plain, digest_size=8).hexdigest(),
        plain=plain,
        packed=gzip.compress(plain, mtime=0),
    )
