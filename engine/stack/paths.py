r"""Compare where code is: the files of stack frames and the files of commits.

A frame names a file as a runtime saw it (`/app/src/cart.py`, `webpack:///./src/cart.ts?4f2a`,
`C:\build\Cart.cs`, a class of a Java package); a commit names it as the repository has it. Both
become lower-case components, and agree if one is the end of the other.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

EXACT = 1.0
"""One path is the end of the other, directories included, except those where any source lies."""
PARTIAL = 0.5
"""The file name agrees, and either one side has nothing more, or a directory of some meaning agrees
too, below others that differ (those of a monorepo, or of the machine that built it)."""
NONE = 0.0

Components = tuple[str, ...]

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:/{2,}", re.IGNORECASE)
_WITHOUT_HOST = ("app", "file", "ng")
_DRIVE = re.compile(r"^[a-z]:[\\/]", re.IGNORECASE)
_POSITION = re.compile(r"(?::\d+){1,2}$")
_QUERY = re.compile(r"\?[^/]*$")
_URL_TAIL = re.compile(r"[?#].*$")
_HASH = re.compile(r"[.\-_~](?=[0-9a-f]*\d)[0-9a-f]{7,64}(?=\.|$)")
_BUNDLE = re.compile(r"\.(?:min|bundle|chunk|prod|esm|umd)(?=\.[a-z]+$)")

_MACHINE: tuple[Components, ...] = (
    ("usr", "src", "app"),
    ("usr", "src"),
    ("usr", "app"),
    ("opt", "app"),
    ("srv", "app"),
    ("home", "app"),
    ("var", "task"),
    ("var", "www", "html"),
    ("var", "www"),
    ("go", "src"),
    ("workspace",),
    ("app",),
    ("code",),
    ("srv",),
)
"""Where containers put an application; the leading slash tells it from a directory of its own."""

_SERVED: tuple[Components, ...] = (
    ("boot-inf", "classes"),
    ("web-inf", "classes"),
    ("_next", "static", "chunks"),
    ("_next", "static"),
    ("_next", "server"),
    (".next", "static", "chunks"),
    (".next", "server", "chunks"),
    (".next", "server"),
    ("static", "js"),
)
"""Where build tools put their output."""

_BUILT = frozenset({"dist", "build", "out", "target", "bin", "classes", ".output", "cjs", "esm"})
_SOURCE = frozenset(
    {"src", "source", "sources", "lib", "app", "ts", "js", "main", "java", "kotlin"}
)
_NO_MEANING = _BUILT | _SOURCE | {"test", "tests", "packages", "scala", "python"}
"""Directories that any repository has: it means nothing that two paths share one."""

_FAMILIES = {
    extension: family
    for family, extensions in {
        "web": "js jsx ts tsx mjs cjs mts cts es6 vue svelte",
        "python": "py pyc pyx pyi",
        "jvm": "java class kt kts scala groovy clj",
        "c": "c cc cpp cxx h hh hpp hxx m mm",
        "dotnet": "cs vb fs cshtml razor",
    }.items()
    for extension in extensions.split()
}
"""Extensions that may be compiled from, or stand for, one another."""


@lru_cache(maxsize=4096)
def frame_path(file: str | None, module: str | None) -> Components:
    """Return the path of a frame's code, as far as the frame gives it, else an empty one.

    A file with directories is used as it is. A bare file name (as from Java and Kotlin) is put into
    the package of its module. Without a file, the module is the path, without its extension.
    """
    named = _file_components(file) if file else ()
    if len(named) > 1 or not module:
        return named
    package = _module_components(module)
    if not named:
        return package
    if stem(named[-1]) == "__init__":
        return (*package, named[-1])
    return (*package[:-1], named[-1])


def _file_components(file: str) -> Components:
    """Return a file's path in parts, less scheme, host, drive, query, position and build hash."""
    text = file.replace("\\", "/")
    if "!/" in text:
        text = text.rpartition("!/")[2]
    if scheme := _SCHEME.match(text):
        name = scheme.group().partition(":")[0].lower()
        hosted = not scheme.group().endswith("///") and name not in _WITHOUT_HOST
        text = unquote(_URL_TAIL.sub("", text[scheme.end() :]))
        if hosted:
            text = text.partition("/")[2] or text
        if name == "file" and not _DRIVE.match(text):
            text = "/" + text
    text = _POSITION.sub("", _QUERY.sub("", _DRIVE.sub("/", text)))
    parts: list[str] = []
    for part in text.lower().split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", ".", "~"):
            parts.append(part)
    if not parts:
        return ()
    parts[-1] = _BUNDLE.sub("", _HASH.sub("", parts[-1])) or parts[-1]
    path = tuple(parts)
    if text.startswith("/"):
        path = _without(_MACHINE, path)
    return _without(_SERVED, path)


def _without(prefixes: tuple[Components, ...], path: Components) -> Components:
    for prefix in prefixes:
        if len(path) > len(prefix) and path[: len(prefix)] == prefix:
            return path[len(prefix) :]
    return path


def _module_components(module: str) -> Components:
    r"""`a.b.C$Inner`, `a.b.c`, `App\Cart`, `shop::cart` and `shop/cart` as parts of a path."""
    text = module.partition("$")[0].replace("::", "/").replace("\\", "/").lower()
    separator = "/" if "/" in text else "."
    return tuple(part for part in text.split(separator) if part)


def repository_path(path: str) -> Components:
    """Return the parts of a path as a commit gives it: from the root of the repository."""
    return tuple(part for part in path.lower().replace("\\", "/").split("/") if part)


def stem(name: str) -> str:
    """Return a file name without its last extension; `.gitignore` has none."""
    return name[:dot] if (dot := name.rfind(".")) > 0 else name


def file_stem(file: str) -> str:
    """Return the name of a file, as it is written, without directories and extensions."""
    return file.replace("\\", "/").rpartition("/")[2].partition("?")[0].partition(".")[0]


def agreement(frame: Components, changed: Components) -> float:
    """Rate how surely the frame's path is the changed file's: `EXACT`, `PARTIAL` or `NONE`."""
    if not frame or not changed or not _same_name(frame[-1], changed[-1]):
        return NONE
    at, to = frame[:-1], changed[:-1]
    shared = _shared_end(at, to)
    above, over = at[: len(at) - shared], to[: len(to) - shared]
    if (not above or not over) and (shared or at == to):
        return EXACT
    meaning = len(set(at[len(at) - shared :]) - _NO_MEANING)
    if meaning and (_NO_MEANING.issuperset(above) or _NO_MEANING.issuperset(over)):
        return EXACT
    if meaning > 1 and above[-1] in _NO_MEANING and over[-1] in _NO_MEANING:
        return EXACT
    if _is_built_from(at, to):
        return EXACT
    return PARTIAL if meaning or not at or not to else NONE


def _same_name(one: str, other: str) -> bool:
    if one == other:
        return True
    if stem(one) != stem(other):
        return one == stem(other) or stem(one) == other
    a, b = one[len(stem(one)) + 1 :], other[len(stem(other)) + 1 :]
    return not a or not b or (a in _FAMILIES and _FAMILIES[a] == _FAMILIES.get(b))


def _shared_end(one: Components, other: Components) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _is_built_from(at: Components, to: Components) -> bool:
    """Return whether build directory `at` is made from source `to`: `api/dist/x`, `api/src/x`."""
    built = next((i for i in range(len(at) - 1, -1, -1) if at[i] in _BUILT), None)
    source = next((i for i in range(len(to)) if to[i] in _SOURCE), None)
    if built is None or source is None or at[built + 1 :] != to[source + 1 :]:
        return False
    return _shared_end(at[:built], to[:source]) == min(built, source)
