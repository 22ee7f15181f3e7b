"""Name where a frame's code is, unaffected by builds, machines and moves on disk.

This is part of the fingerprint rules: if any answer changes, raise `fingerprint.RULES_VERSION`.
"""

import re
from collections.abc import Collection
from functools import lru_cache

_SCHEME = re.compile(r"^(?P<name>[a-zA-Z][\w+.-]*):(?P<slashes>/{1,3})")
_HOSTED = ("http", "https", "capacitor", "ionic", "tauri", "webpack", "turbopack")
_PROJECT = ("webpack", "webpack-internal", "turbopack", "app", "rsc")
"""Schemes whose paths begin at the project, and not at the root of a machine."""

_POSITION = re.compile(r"(?::\d+){1,2}$")
_QUERY = re.compile(r"[?#].*$")
_NO_PLACE = re.compile(
    r"^(?:<.*>|\[.*\]|blob:.*|native(?: code)?|eval code|unknown(?: source)?|\?+)$", re.IGNORECASE
)

_HASH = re.compile(
    r"[.\-_~](?:(?=[0-9a-f]*\d)[0-9a-f]{6,64}|(?=[0-9A-F]*\d)[0-9A-Z]{8}"
    # esbuild, by which Angular builds
    r"|(?<=-)[A-Z2-7]{8}(?=\.(?:[cm]?js|css)))(?=\.)"
)
_ASSETS = frozenset(("assets", "_app", "_nuxt"))
"""Where Vite, SvelteKit and Nuxt put what they build; the last two may call it by a hash alone."""
_ASSET_HASH = re.compile(r"[-.](?=[\w-]*(?:\d|[a-z][A-Z]))[\w-]{8}(?=\.)")
_ASSET_ALL_HASH = re.compile(r"^(?=[\w-]*(?:\d|[a-z][A-Z]))[\w-]{8}(?=\.)")
_MINIFIED = ("/_next/static/", "/static/js/", "/dist/", *(f"/{name}/" for name in sorted(_ASSETS)))
_ALL_HASH = re.compile(r"^(?=[^.]*\d)[0-9a-f]{8,64}(?=\.|$)")
_VERSION = re.compile(r"[-.@]v?\d+(?:\.\d+)+[\w+-]*(?=[./]|$)")
_CHUNK = re.compile(r"^(?:chunk|bundle)?[-.~]?\d+$")
_EXTENSIONS = re.compile(
    r"(?:\.(?:min|bundle|chunk|prod|development|esm|cjs|umd|d|server|client|legacy|modern))*"
    r"\.[A-Za-z][A-Za-z0-9+]{0,7}$"
)
_RELEASE = re.compile(r"^(?:v?\d[\d.\-_T:]{3,}\w*|current|previous|[0-9a-f]{7,40})$")

_ROOTS = frozenset(
    (
        *("src", "source", "sources", "lib", "app", "main", "java", "kotlin", "scala", "groovy"),
        *("python", "dist", "build", "out", "target", "bin", "classes", "static", "public"),
        *("assets", "js", "chunks", "_next", ".next", "release", "releases"),
    )
)
"""Directories that say where code is put, not what it is."""

_GENERIC = frozenset(
    (
        *("__init__", "__main__", "index", "main", "mod", "lib", "app", "application", "base"),
        *("views", "models", "tasks", "urls", "forms", "admin", "serializers", "signals"),
        *("handler", "handlers", "route", "routes", "router", "page", "layout", "loader"),
        *("controller", "service", "client", "server", "api", "types", "utils", "util"),
        *("helper", "helpers", "common", "core", "store", "hooks", "actions", "reducer"),
        *("vendor", "vendors", "bundle", "default", "run", "test", "setup", "config"),
    )
)
"""File names that many directories have; for these the directory is part of the name."""

_HOMES: tuple[tuple[str, ...], ...] = (
    # Where machines build.
    ("home", "runner", "work", "*", "*"),
    ("__w", "*", "*"),
    ("a", "*", "*"),
    ("builds", "*", "*"),
    ("github", "workspace"),
    ("home", "circleci", "project"),
    ("home", "travis", "build", "*", "*"),
    ("var", "lib", "jenkins", "workspace", "*"),
    ("var", "jenkins_home", "workspace", "*"),
    ("opt", "build", "repo"),
    ("build", "source"),
    ("opt", "render", "project"),
    ("vercel", "path0"),
    ("codebuild", "output", "*", "src", "*"),
    # Where they keep what runs.
    ("nix", "store", "*"),
    ("inetpub", "wwwroot", "*"),
    ("inetpub", "*"),
    ("home", "*", "*"),
    ("users", "*", "*"),
    ("root", "*"),
    ("srv", "*"),
    ("opt", "*"),
    ("var", "www", "html"),
    ("var", "www", "*"),
    ("var", "task"),
    ("usr", "src", "*"),
    ("usr", "local", "*"),
    ("private", "tmp", "*"),
    ("tmp", "*"),
    ("workspace",),
    ("code",),
    ("app",),
    ("mnt", "*"),
    ("data", "app", "*", "*"),
    ("data", "*"),
)
"""Where machines keep applications; `*` is any one name. The application's path follows."""

_HOMES_IN: dict[str, list[tuple[str, ...]]] = {}
"""By the first name, which is never a `*`."""
for _home in _HOMES:
    _HOMES_IN.setdefault(_home[0], []).append(_home)

_VAGUE_HOMES = frozenset(
    (
        ("users", "*", "*"),
        ("root", "*"),
        ("usr", "local", "*"),
        ("private", "tmp", "*"),
        ("tmp", "*"),
    )
)
"""Where the project may begin deeper."""

_RELEASES = frozenset(("releases", "versions", "revisions", "deployments"))
"""Directories whose directories are one release each."""

_LAYERS = frozenset(
    (
        *("jobs", "workers", "mailers", "models", "views", "controllers", "services", "helpers"),
        *("handlers", "routes", "components", "pages", "tasks", "commands", "repositories"),
    )
)
"""Directories that each part of a project has; for these the directory above tells more."""

_GENERATED_CLASS = re.compile(
    r"\$\$(?:Lambda|EnhancerBy|FastClassBy|SpringCGLIB|ByteBuddy|Proxy).*"
    r"|\$(?:HibernateProxy|ByteBuddy)\$.*|_\$\$_(?:javassist|jvst|Weld).*|_(?:ClientProxy|Subclass)$"
    r"|@v?\d[\w.+-]*|/0x[0-9a-f]+|@[0-9a-f]{5,}"
)
_INNER_NUMBER = re.compile(r"(?:\$\d+)+(?=\$|$)|\+<>c(?:__DisplayClass[\d_]*)?|\+<\w+>d__\d+|`\d+")
_PATH = re.compile(r"/|^[A-Za-z]:\\|\\[^\\]+\.\w{1,5}$")
"""A native module is the path of a library; PHP's names have backslashes, too."""
COROUTINE_CLASS = re.compile(r"^(?P<owner>[\w.]+)\$(?P<function>[a-z]\w*)(?:\$\d+|\$\w+\$\d+)+$")
GROOVY_CLOSURE = re.compile(
    r"^(?P<owner>[\w.]+?)\$_(?P<function>[a-z]\w*?)_(?:lambda|closure)\d+(?:\$_closure\d+)*$"
)
_EVALUATED = re.compile(
    r"(?<=\beval)\d+|(?<=\$fn__)\d+|(?<=\$reify__)\d+|(?<=\$eval)\d+(?:\$\w+)*|\bunusual_prefix_[0-9a-f]+_"
)
"""What is numbered as it is loaded: Clojure's evaluated forms, Airflow's files."""


@lru_cache(maxsize=8_192)
def place(file: str | None, module: str | None) -> str:
    """Return the module or file that a frame is in; empty if the frame names neither."""
    if module and not _PATH.search(module) and module not in ("__main__", "<unknown>", "?"):
        text = _EVALUATED.sub("", _GENERATED_CLASS.sub("", module))
        if generated := COROUTINE_CLASS.match(text) or GROOVY_CLOSURE.match(text):
            text = generated["owner"]
        return _INNER_NUMBER.sub("", text).partition(":<")[0]
    path = file or module
    return _of_path(path) if path else ""


def is_minified(file: str) -> bool:
    """Return whether a bundler wrote this script, so that short names in it mean nothing."""
    name = _QUERY.sub("", file).rpartition("/")[2]
    return (
        any(mark in name for mark in (".min.", ".chunk.", ".bundle", "-bundle"))
        or any(mark in file for mark in _MINIFIED)
        or _HASH.search(name) is not None
        or _ALL_HASH.match(name) is not None
    )


def _of_path(path: str) -> str:
    """Return the file's name without extension and build, with its directory if that tells more.

    A path within the project keeps its directory. A path on a machine is one if it is where
    machines keep or build applications. Otherwise it keeps its directory only for a file name that
    many directories have, because nobody knows where the project begins.
    """
    text = path.replace("\\", "/").rpartition("!/")[2]
    if _NO_PLACE.match(text):
        return ""
    is_vague = text[1:3] == ":/"
    on_machine = is_vague or text.startswith("/")
    if scheme := _SCHEME.match(text):
        name = scheme["name"].lower()
        text = text[scheme.end() :]
        if name in _HOSTED and scheme["slashes"] == "//":
            text = text.partition("/")[2] or text
        on_machine, is_vague = name not in _PROJECT, name != "file"
    text = _POSITION.sub("", _QUERY.sub("", text))
    parts = [part for part in text.split("/") if part.strip(".~")]
    if parts and parts[0][-1:] == ":":
        del parts[0]
    if not parts:
        return ""
    stem = _stem(parts[-1], _ASSETS.intersection(parts))
    if on_machine:
        parts, is_project = _without_home(parts)
        on_machine = is_vague or not is_project
    if on_machine and stem.lower() not in _GENERIC:
        return stem
    kept = [_VERSION.sub("", part) for part in parts[:-1] if not _says_where(part)]
    depth = 2 if kept and kept[-1].lower() in _LAYERS else 1
    return "/".join([*kept[-depth:], stem])


def _says_where(directory: str) -> bool:
    return directory.lower() in _ROOTS or _RELEASE.match(directory) is not None


def _without_home(parts: list[str]) -> tuple[list[str], bool]:
    """Return the path without where the machine keeps the application, and whether it was there."""
    low = [part.lower() for part in parts]
    for home in _HOMES_IN.get(low[0], ()):
        here = low[: len(home)]
        if len(parts) > len(home) and all(
            want in ("*", have) for want, have in zip(home, here, strict=True)
        ):
            parts = parts[len(home) :]
            at = next((n for n, part in enumerate(parts[:-2]) if part.lower() in _RELEASES), None)
            return (parts if at is None else parts[at + 2 :]), home not in _VAGUE_HOMES
    return parts, False


def _stem(name: str, built_into: Collection[str]) -> str:
    """Return a file name without its extension and what a build put into it."""
    text = _ALL_HASH.sub("", _HASH.sub("", name))
    if built_into:
        text = _ASSET_HASH.sub("", text)
        if "assets" not in built_into:
            text = _ASSET_ALL_HASH.sub("", text)
    stem = _VERSION.sub("", _EXTENSIONS.sub("", text))
    return "" if _CHUNK.match(stem) else stem
