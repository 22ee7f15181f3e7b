"""``GET /api/openapi.json``: the API in an OpenAPI 3.1 document, made from routes and types."""

import functools
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import hdrs, web

from server.ingest.accept import InvalidAnswer
from server.keys import SETTINGS
from server.middlewares import ErrorAnswer
from server.web.api.operations import JSON, OPERATIONS, Operation
from server.web.auth import Who, cookie_name, who_may
from server.web.parameters import PARAMETERS

Json = dict[str, Any]

_ALL = "/api/"
_REFERENCE = "#/components/schemas/{name}"
_NAMED = re.compile(r"\(\?P<(\w+)>([^)]*)\)")
_DIGITS = re.compile(r"\\d\{1,(\d+)\}")
_TOKEN: Json = {"token": []}
_SESSION: Json = {"session": []}
_SECURITY: Mapping[Who | None, list[Json]] = {
    None: [],
    "anybody": [_TOKEN, _SESSION],
    "admin": [_TOKEN, _SESSION],
    "session": [_SESSION],
}


async def get_document(request: web.Request) -> web.Response:
    """Answer the document; it is made when it is first asked for."""
    app = request.app
    return web.Response(
        body=_encoded(tuple(read_routes(app)), cookie_name(app[SETTINGS])),
        content_type=JSON,
        headers={"Cache-Control": "no-store"},
    )


class Described(msgspec.Struct, frozen=True):
    """A route as the document needs it.

    `pattern` is the regular expression of its path, empty without variable parts. `name` is that of
    the handler. `who` is None if nobody has to sign in.
    """

    method: str
    path: str
    pattern: str
    name: str
    who: Who | None

    @property
    def key(self) -> str:
        """Return what `OPERATIONS` calls it."""
        return f"{self.method} {self.path}"


def read_routes(app: web.Application) -> Iterator[Described]:
    """Return the routes of the API in the order of their tables."""
    for route in app.router.routes():
        resource = route.resource
        if resource is None or route.method == hdrs.METH_HEAD:
            continue
        if resource.canonical.startswith(_ALL):
            pattern = resource.get_info().get("pattern")
            yield Described(
                route.method,
                resource.canonical,
                "" if pattern is None else pattern.pattern,
                getattr(route.handler, "__name__", ""),
                who_may(route.handler),
            )


@functools.cache
def _encoded(routes: tuple[Described, ...], cookie: str) -> bytes:
    return msgspec.json.encode(document(routes, cookie))


def document(routes: tuple[Described, ...], cookie: str) -> Json:
    """Return the document of these routes; `cookie` is the name of the session's cookie.

    Raises `KeyError` for a route that has no declaration.
    """
    schema_of, components = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        operation = OPERATIONS[route.key]
        paths.setdefault(route.path, {})[route.method.lower()] = _described(
            route, operation, schema_of
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PushLog",
            "version": "1",
            "description": "Errors as incidents, with the deploys and commits behind them.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                status.name: _refused(status, schema_of)
                for status in sorted({each for route in routes for each in _refusals(route)})
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def _schemas(routes: tuple[Described, ...]) -> tuple[dict[str, Json], Json]:
    """Return the schema of each type by a name of this module, and what the schemas refer to."""
    types: dict[str, Any] = {"error": ErrorAnswer, "invalid": InvalidAnswer}
    for route in routes:
        operation = OPERATIONS[route.key]
        types |= {
            f"{route.key} {part}": kind
            for part, kind in (
                ("answer", operation.answer),
                ("body", operation.body),
                ("other body", operation.other_body),
            )
            if kind is not None
        }
        types |= {f"{route.key} ?{name}": kind for name, kind in _query(route).items()}
    schemas, components = msgspec.json.schema_components(
        list(types.values()), schema_hook=_anything, ref_template=_REFERENCE
    )
    return dict(zip(types, schemas, strict=True)), components


def _described(route: Described, operation: Operation, schema_of: Mapping[str, Json]) -> Json:
    answer: Json = schema_of.get(f"{route.key} answer", {"type": "string"})
    done = {
        "description": operation.status.phrase,
        "content": {operation.media_type: {"schema": answer}},
    }
    described: Json = {
        "operationId": route.name,
        "summary": operation.summary,
        "tags": [route.path.split("/")[2]],
        "parameters": [
            *_in_path(route.pattern),
            *(_in_query(name, schema_of[f"{route.key} ?{name}"]) for name in _query(route)),
            *(_in_header(name) for name in operation.headers),
        ],
        "security": _SECURITY[route.who],
        "responses": {
            str(operation.status.value): done,
            **{
                str(status.value): {"$ref": f"#/components/responses/{status.name}"}
                for status in _refusals(route)
            },
        },
    }
    names = (f"{route.key} body", f"{route.key} other body")
    match [schema_of[name] for name in names if name in schema_of]:
        case [body]:
            content = {operation.body_media_type: {"schema": body}}
            described["requestBody"] = {"required": True, "content": content}
        case [*bodies] if bodies:
            either = {JSON: {"schema": {"anyOf": bodies}}}
            described["requestBody"] = {"required": True, "content": either}
    return described


def _refused(status: HTTPStatus, schema_of: Mapping[str, Json]) -> Json:
    schema = schema_of["invalid" if status is HTTPStatus.BAD_REQUEST else "error"]
    return {"description": status.phrase, "content": {JSON: {"schema": schema}}}


def _refusals(route: Described) -> list[HTTPStatus]:
    """Return the statuses of all errors: what follows from the route, and what is declared."""
    operation = OPERATIONS[route.key]
    found = {HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE, *operation.refusals}
    if route.who is not None:
        found.add(HTTPStatus.UNAUTHORIZED)
        if route.who != "anybody" or route.method != hdrs.METH_GET:
            found.add(HTTPStatus.FORBIDDEN)
    if route.pattern:
        found.add(HTTPStatus.NOT_FOUND)
    if operation.body is not None:
        found |= {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    return sorted(found)


def _query(route: Described) -> Mapping[str, Any]:
    return PARAMETERS.get(route.path, {})


def _in_query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "allowEmptyValue": True, "schema": schema}


def _in_header(name: str) -> Json:
    return {"name": name, "in": "header", "schema": {"type": "string"}}


def _in_path(pattern: str) -> Iterator[Json]:
    for name, rule in _NAMED.findall(pattern):
        digits = _DIGITS.fullmatch(rule)
        schema: Json = {"type": "string", "minLength": 1}
        if digits is not None:
            schema = {"type": "integer", "minimum": 0, "maximum": 10 ** int(digits[1]) - 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _anything(kind: type) -> Json:
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError(kind)
