"""What a stack frame is called, whatever the build, the machine and the run.

The rules by language are in docs/FINGERPRINTS.md. A change of what any function here answers
is a new version of the rules: `fingerprint.RULES_VERSION`.
"""

import re
from functools import lru_cache

from engine.libraries import is_library

_NAMELESS = re.compile(
    r"""
      \? | <?anonymous>? | <?unknown>? | <?redacted>? | <deduplicated_symbol>
    | \(anonymous(?:\ function)?\) | \{anonymous\} | global\ code | eval\ code | eval | module\ code
    | <lambda> | <fn> | lambda | closure | operator\(\) | stripped_application_code
    | \{+closure(?:\#\d+)?\}+ | <global> | toplevel | main\ code
    | (?:sub_|fun_|unnamed_)?(?:0x)?[0-9a-f]{6,} | \$?\d+
    """,
    re.VERBOSE | re.IGNORECASE,
)

_PASSING = re.compile(
    r"""
    # Python: comprehensions, which newer versions have inlined
      <(?:list|dict|set)comp> | <genexpr>
    # JavaScript: promises, generators and what compilers make of them; array helpers
    | processTicksAndRejections | runMicrotasks | _tickCallback | asyncGeneratorStep
    | __awaiter | tryCatch | fulfilled | rejected | _next | _throw | drainQueue
    | (?:Generator|AsyncGenerator)\.\S+ | (?:new\ )?Promise(?:\.\S+)?(?:\ \(index\ \d+\))?
    | (?:Array|Map|Set|NodeList|Function|Object)\.
      (?:from|map|forEach|filter|reduce|some|every|find|findIndex|sort|flatMap|apply|call)
    | __webpack_require__ | __require | __webpack_modules__\S* | \./\S+ | webpack\S*
    # JVM: bridges, proxies, reflection, coroutines
    | access\$\d+ | \$jacocoInit | invoke0? | invokeSuspend\$suspendImpl | resumeWith
    # .NET: what awaits and rethrows
    | ThrowForNonSuccess | HandleNonSuccessAndDebuggerNotification | GetResult | ThrowStart
    # Rust, Swift, C: shims
    | (?:core|std|alloc)::.* | __rust_\w+ | rust_begin_unwind | call_once(?:<.*>)?
    | (?:partial\ apply|reabstraction\ thunk|thunk)\ .* | __invoking___ | abort | __pthread_kill
    # PHP, Dart
    | call_user_func(?:_array)? | array_(?:map|walk|filter|reduce) | <asynchronous\ suspension>
    """,
    re.VERBOSE,
)
"""Machinery between two calls: it comes and goes with compilers and runtimes."""

_SHELLS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), inner)
    for pattern, inner in (
        # a name inside a shell of the compiler's making
        (r"^lambda\$(?:null|static)\$\d+$", ""),
        (r"^lambda\$(\w+?)\$\d+$", r"\1"),  # Java
        (r"^<(\w+)>(?:b__|g__|d__)[\w|]*(?:\.MoveNext)?$", r"\1"),  # C#: lambda, local, async
        (r"^(.+?)(?:\.func\d+(?:\.\d+)*)+$", r"\1"),  # Go
        (r"^(.+?)(?:\.gowrap\d+|\.deferwrap\d+|-fm|-range\d+)$", r"\1"),
        (r"^(?:block (?:\(\d+ levels\) )?|rescue |ensure )+in (.+)$", r"\1"),  # Ruby
        (r"^(?:implicit )?closure #\d+ .*in (.+)$", r"\1"),  # Swift
        (r"^(?:__\d+)?([-+]\[.+?\])_block_invoke(?:[_.]?\d+)*$", r"\1"),  # Objective-C
        (r"^(?:__)?(.+?)_block_invoke(?:[_.]?\d+)*$", r"\1"),
        (r"^anonymous fn/\d+ in (.+)$", r"\1"),  # Elixir
        (r"^-(.+?)/\d+-(?:fun|lc|inlined)-.*$", r"\1"),  # Erlang
        (r"^(.+?)(?:::\{+closure(?:\#\d+)?\}+)+(?:::h[0-9a-f]{16})?$", r"\1"),  # Rust, PHP
        (r"^(.+)::h[0-9a-f]{16}$", r"\1"),
        (r"^\{closure:(.+?)(?::\d+)?\}$", r"\1"),  # PHP 8.4
        (r"^(?:async|async\*|bound|get|set|new|static) (\S.*)$", r"\1"),  # JavaScript
        (r"^(.+?) \[as .+\]$", r"\1"),
        (r"^(.+?)(?:/<|/\w+<)+$", r"\1"),
        (r"^(.+)\$suspendImpl$", r"\1"),  # Kotlin
        (r"^(.+?)(?:\$default|\$\d+|\$lambda[$\d-]*)+$", r"\1"),
        (r"^(.+?)(?:\.(?:isra|part|constprop|cold|lto_priv)(?:\.\d+)?)+$", r"\1"),  # GCC
        (r"^(.+)/\d+$", r"\1"),  # Erlang's and Elixir's arity
    )
)

_MINIFIED_NAME = re.compile(r"[A-Za-z_$][\w$]?[\w$]?")
_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|bundle)(?:[?:#].*)?$|^(?:https?|webpack|app):")
_WEB_OWNER = re.compile(r"^(?:[\w$<>]+[.#])+(?=[\w$]+$)")

_POSITION = re.compile(r"(?::\d+){1,2}$")
_QUERY = re.compile(r"[?#].*$")
_SCHEME = re.compile(r"^[a-zA-Z][\w+.-]*:/{1,3}")
_HASH = re.compile(
    r"[.\-_~](?=[0-9a-z]*\d)(?:[0-9a-f]{6,64}|[0-9a-z]{8,20}|[A-Za-z0-9_-]{8})(?=\.)"
)
_ALL_HASH = re.compile(r"(?=[^.]*\d)[0-9a-f]{8,64}(?=\.|$)")
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

_HOMES: tuple[tuple[str, ...], ...] = (
    ("home", "*"),
    ("users", "*"),
    ("srv", "*"),
    ("opt", "*"),
    ("var", "www", "html"),
    ("var", "www", "*"),
    ("var", "task"),
    ("usr", "src", "*"),
    ("usr", "local", "*"),
    ("root",),
    ("workspace",),
    ("code",),
    ("app",),
    ("tmp", "*"),
    ("mnt", "*"),
    ("data", "*"),
)
"""Where machines keep applications; `*` is any one name. What follows is the application's."""

_LAMBDA_CLASS = re.compile(
    r"(?:\$\$Lambda.*|\$\$(?:EnhancerBy|FastClassBy|SpringCGLIB|ByteBuddy|Proxy).*"
    r"|_\$\$_(?:javassist|Weld).*|@v?\d[\w.+-]*|/0x[0-9a-f]+|@[0-9a-f]{5,})"
)
_INNER_NUMBER = re.compile(r"(?:\$\d+)+(?=\$|$)|\+<>c(?:__DisplayClass[\d_]*)?|\+<(\w+)>d__\d+")
_COROUTINE_CLASS = re.compile(r"^(?P<owner>[\w.]+)\$(?P<function>[a-z]\w*)(?:\$\d+|\$\w+\$\d+)+$")


@lru_cache(maxsize=65_536)
def frame_name(
    file: str | None, module: str | None, function: str | None
) -> tuple[str, str] | None:
    """(place, function) of a frame, either of which may be empty; None: it is to be passed over."""
    if function and _PASSING.fullmatch(function):
        return None
    place = _place(file, module)
    name = _function(function or "")
    if name in ("invokeSuspend", "MoveNext", "invoke", "call", "run") and module:
        name = _enclosing(module) or name
    if file and _SCRIPT.search(file):
        name = _WEB_OWNER.sub("", name)
        if _is_minified(file) and _MINIFIED_NAME.fullmatch(name):
            name = ""
    return None if not place and not name else (place, name)


@lru_cache(maxsize=65_536)
def is_foreign(file: str | None, module: str | None) -> bool:
    """Is this the runtime's or a dependency's code, whatever the source says of it?"""
    return is_library(file, module)


def _function(function: str) -> str:
    name = _without_parameters(function.strip())
    for _ in range(4):
        before = name
        for pattern, inner in _SHELLS:
            name = pattern.sub(inner, name)
        if name == before:
            break
    last = name.rpartition(".")[2].rpartition("::")[2]
    return "" if _NAMELESS.fullmatch(name) or _NAMELESS.fullmatch(last) else name


def _without_parameters(name: str) -> str:
    """`ns::f<int>(char const*) const` as `ns::f`; `(*Cart).Total` and `operator()` stay."""
    if "(" not in name and "<" not in name:
        return name
    if name.startswith(("(*", "(")) and ")." in name:
        receiver, _, method = name.partition(").")
        return receiver.strip("(*") + "." + method
    if name[0] in "<-+{" or " in " in name or "[as " in name or "operator" in name:
        return name
    head = name.partition("(")[0].rstrip() or name
    while (shorter := re.sub(r"<[^<>]*>", "", head)) != head and shorter:
        head = shorter
    return head.rpartition(" ")[2] or head


def _enclosing(module: str) -> str:
    """The function that a generated class stands for: `Cart$total$1` (Kotlin), `<Total>d__4`."""
    if found := re.search(r"<(\w+)>d__\d+", module):
        return found[1]
    found = _COROUTINE_CLASS.match(module)
    return found["function"] if found else ""


def _place(file: str | None, module: str | None) -> str:
    if module and "/" not in module and module not in ("__main__", "<unknown>", "?"):
        text = _LAMBDA_CLASS.sub("", module)
        if coroutine := _COROUTINE_CLASS.match(text):
            text = coroutine["owner"]
        return _INNER_NUMBER.sub("", text).partition(":<")[0]
    path = file or module
    return _path_place(path) if path else ""


def _path_place(path: str) -> str:
    """The last two directories-or-names that the code itself chose, without build and machine."""
    text = path.replace("\\", "/").rpartition("!/")[2]
    if text.startswith(("<", "[", "native ")):
        return ""
    if scheme := _SCHEME.match(text):
        text = _QUERY.sub("", text[scheme.end() :])
        if scheme[0].lower().startswith("http") or scheme[0].startswith("webpack://"):
            text = text.partition("/")[2] if "/" in text and scheme[0][-3:] != "///" else text
        absolute = False
    else:
        text = _QUERY.sub("", text)
        absolute = text.startswith("/") or text[1:3] == ":/"
    parts = [
        part for part in _POSITION.sub("", text).split("/") if part not in ("", ".", "..", "~")
    ]
    if parts and parts[0][-1:] == ":":
        del parts[0]
    if not parts:
        return ""
    if absolute:
        parts = _without_home(parts)
    kept = [part for part in parts[:-1] if part.lower() not in _ROOTS and not _RELEASE.match(part)]
    return "/".join([*kept[-1:], _stem(parts[-1])])


def _without_home(parts: list[str]) -> list[str]:
    low = [part.lower() for part in parts]
    for home in _HOMES:
        size = len(home)
        if len(parts) > size and all(
            want in ("*", have) for want, have in zip(home, low[:size], strict=True)
        ):
            return parts[size:]
    return parts


def _stem(name: str) -> str:
    """A file name without its extension and what a build put into it."""
    stem = _EXTENSIONS.sub("", _ALL_HASH.sub("", _HASH.sub("", name)))
    return "" if _CHUNK.match(stem) else stem


def _is_minified(file: str) -> bool:
    name = _QUERY.sub("", file).rpartition("/")[2]
    return (
        ".min." in name
        or ".chunk." in name
        or ".bundle" in name
        or _HASH.search(name) is not None
        or _ALL_HASH.match(name) is not None
        or "/_next/static/" in file
        or "/static/js/" in file
        or "/assets/" in file
    )
