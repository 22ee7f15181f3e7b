"""Name a stack frame the same in every build, on every machine and in every run.

docs/FINGERPRINTS.md has the rules by language. If any function here changes an answer, raise the
version of the rules: `fingerprint.RULES_VERSION`.
"""

import re
from functools import lru_cache

from engine.stack.libraries import is_library
from engine.stack.places import COROUTINE_CLASS, GROOVY_CLOSURE, is_minified, place

_NAMELESS = re.compile(
    r"""
      \? | <?anonymous>? | <?unknown>? | <?redacted>? | <deduplicated_symbol>
    | \(?anonymous(?:\ function)?\)? | \{anonymous\}
    | global\ code | eval\ code | eval | module\ code
    | <lambda> | <fn> | lambda | closure | operator\(\) | stripped_application_code
    | _callee\d*\$ | (?:[\w\\]*\\)?\{+closure(?:\#\d+)?\}+ | <global> | toplevel | main\ code
    | (?:sub_|fun_|unnamed_)[0-9a-f]{4,} | 0x[0-9a-f]+ | (?=.*\d)[0-9a-f]{8,} | \$?\d+
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
    | (?:Generator|AsyncGenerator)\.\S+ | (?:async\ |new\ )?Promise(?:\.\S+)?(?:\ \(index\ \d+\))?
    | (?:Array|Map|Set|NodeList|Function|Object)\.(?:prototype\.)?
      (?:from|map|forEach|filter|reduce|some|every|find|findIndex|sort|flatMap|apply|call)
    | __webpack_require__ | __require | __webpack_modules__\S* | \./\S+ | webpack\S*
    # JVM: bridges, proxies, reflection, coroutines
    | access\$\d+ | \$jacocoInit | invoke0 | invokeSuspend\$suspendImpl | resumeWith
    # .NET: what awaits and rethrows
    | ThrowForNonSuccess | HandleNonSuccessAndDebuggerNotification | GetResult | ThrowStart
    # Rust, Swift, C: shims
    | (?:core|std|alloc)::.* | __rust_\w+ | rust_begin_unwind | call_once(?:<.*>)?
    | (?:partial\ apply|reabstraction\ thunk|thunk)\ .* | __invoking___
    | (?:__)?pthread_kill | abort | raise | gsignal | __exceptionPreprocess | objc_exception_throw
    | _CFThrowFormattedException | rust_panic\w* | panic_fmt | gopanic | runtime\.\w*panic\w*
    # PHP, Dart
    | call_user_func(?:_array)? | array_(?:map|walk|filter|reduce) | <asynchronous\ suspension>
    """,
    re.VERBOSE,
)
"""Machinery between two calls, which comes and goes with compilers and runtimes."""

_WITHOUT_NAME = re.compile(
    r"(?:\?A0x[0-9a-f]+|`anonymous[- ]namespace'|\(anonymous namespace\)|\{anonymous\})::"
)
"""A namespace of C++, as compilers write it."""

_RECEIVER = re.compile(r"(?:^|(?<=\.))\(\*?([^()]+)\)\.")
"""Of a method of Go."""

_BY_COMPILER = re.compile(r"<\w+>[bdg]__")
"""What C# makes of a lambda, an async method and a local function."""

_COMPREHENSION = re.compile(r"(?:\.<locals>\.<(?:lambda|(?:list|dict|set)comp|genexpr)>)+$")
"""Within a function, as Python qualifies it."""

_SHELLS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), inner)
    for pattern, inner in (
        # a name inside a wrapper that the compiler made
        (r"^lambda\$(?:null|static)\$\d+$", ""),
        (r"^lambda\$(\w+?)\$\d+$", r"\1"),  # Java
        (r"^\$anonfun\$(.+)$", r"\1"),  # Scala
        (
            r"^(?:[\w.+]+[.+])?(?:<>c(?:__DisplayClass[\d_]*)?\.)?"
            r"<(\w+)>(?:b__|g__|d__)[\w|]*(?:\.MoveNext)?$",
            r"\1",
        ),  # C#: lambda, local, async
        (r"^(.+?)(?:\.func\d+(?:\.\d+)*)+$", r"\1"),  # Go
        (r"^(.+?)(?:\.gowrap\d+|\.deferwrap\d+|-fm|-range\d+)$", r"\1"),
        (r"^(?:block (?:\(\d+ levels\) )?|rescue |ensure )+in (.+)$", r"\1"),  # Ruby
        (r"^(_\w+_(?:erb|haml|slim|builder|ruby|arb|rabl))_{2,3}\d+_\d+$", r"\1"),  # Rails' views
        (r"^(_\w*callback\w*?)_\d+$", r"\1"),
        (r"^(?:implicit )?closure #\d+ .*in (.+)$", r"\1"),  # Swift
        (r"^(?:__\d+)?([-+]\[.+?\])_block_invoke(?:[_.]?\d+)*$", r"\1"),  # Objective-C
        (r"^(?:__)?(.+?)_block_invoke(?:[_.]?\d+)*$", r"\1"),
        (r"^anonymous fn/\d+ in (.+)$", r"\1"),  # Elixir
        (r"^-(.+?)/\d+-(?:fun|lc|inlined)-.*$", r"\1"),  # Erlang
        (r"^(.+?)(?:::\{+closure(?:\#\d+)?\}+)+(?:::h[0-9a-f]{16})?$", r"\1"),  # Rust, PHP
        (r"^(.+)::h[0-9a-f]{16}$", r"\1"),
        (r"^\{closure:(.+?)(?::\d+)?\}$", r"\1"),  # PHP 8.4
        (r"^(.+?)(?:::[\w\\]*\{closure\})+$", r"\1"),  # PHP
        (r"^class@anonymous.*::(\w+)$", r"class@anonymous::\1"),
        (r"^(.+?)(?:`\d+)?\[[\w,. ]*\]$", r"\1"),  # .NET's type arguments
        (r"^(.+)\$suspendImpl$", r"\1"),  # Kotlin
        (r"^(.+?)(?:\$default|\$adapted|\$\d+|\$lambda[$\d-]*)+$", r"\1"),
        (r"^([^(]+)(?:\(.*\))?::\{lambda\(.*\)#\d+\}::operator\(\).*$", r"\1"),
        (r"^(lambda_method|DynamicClass)\d+$", r"\1"),  # .NET, compiled at run time
        (r"^(.+?)(?:\.(?:isra|part|constprop|cold|lto_priv)(?:\.\d+)?)+$", r"\1"),  # GCC
        (r"^(.+)/\d+$", r"\1"),  # Erlang's and Elixir's arity
    )
)

_PLAIN = re.compile(r"[\w.]+")
_SHELL_OF_WORDS = re.compile(
    r"_block_invoke|callback|lambda_method|DynamicClass|_(?:erb|haml|slim|builder|ruby|arb|rabl)_"
    r"|\.(?:func|gowrap|deferwrap|isra|part|constprop|cold|lto_priv)"
)
"""What a name of letters, digits and dots has in it, if it is in a shell at all."""

_WEB_SHELLS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(?:async|bound|get|set|new|static|function) (\S.*)$"), r"\1"),
    (re.compile(r"^async ?\*(\S.*)$"), r"\1"),
    (re.compile(r"^(.+?) \[as .+\]$"), r"\1"),
)

_GENERATED_METHODS = frozenset(
    ("invokeSuspend", "MoveNext", "invoke", "call", "run", "apply", "doCall")
)

_MINIFIED_NAME = re.compile(r"[A-Za-z_$][\w$]{0,2}")
_RUBY = re.compile(r"\.(?:rb|rake|ru|erb|haml|slim)$")
_RUBY_OWNER = re.compile(r"^(?:[A-Z]\w*(?:::[A-Z]\w*)*)[#.](?=[^#.]+$)")
"""The class, which Ruby 3.4 puts before its methods."""

_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|bundle|html?)(?:[?:#].*)?$|^(?:https?|app):")
_WEB_OWNER = re.compile(r"^.*[.#/](?=[^.#/]+$)")
_WEB_INNER = re.compile(r"(?:/?<)+$")
_INDEX = re.compile(r"\[[^\]]*\]$")


@lru_cache(maxsize=16_384)
def frame_name(
    file: str | None, module: str | None, function: str | None
) -> tuple[str, str] | None:
    """Return (place, function) of a frame, either of which may be empty; None if it is skipped."""
    if function and _PASSING.fullmatch(function):
        return None
    where, name = place(file, module), function_name(file, module, function)
    return None if not where and not name else (where, name)


def function_name(file: str | None, module: str | None, function: str | None) -> str:
    """Return a function's name without what compilers put around it; empty if it has no name."""
    if file and _SCRIPT.search(file):
        return _web_function(function or "", file)
    name = _function(function or "")
    if file and _RUBY.search(file):
        name = _RUBY_OWNER.sub("", name)
    if name in _GENERATED_METHODS and module:
        name = _enclosing(module) or name
    return name


@lru_cache(maxsize=16_384)
def is_foreign(file: str | None, module: str | None) -> bool:
    """Return whether this is the runtime's or a dependency's code, whatever the source says."""
    return is_library(file, module)


def _function(function: str) -> str:
    name = _COMPREHENSION.sub("", function.strip())
    if "::" in name:
        name = _WITHOUT_NAME.sub("", name)
    name = _without_parameters(name)
    for _ in range(0 if _is_plain(name) else 4):
        before = name
        for pattern, inner in _SHELLS:
            name = pattern.sub(inner, name)
        if name == before:
            break
    return "" if _NAMELESS.fullmatch(name) or _NAMELESS.fullmatch(_last(name)) else name


def _is_plain(name: str) -> bool:
    """Return whether the name is in no shell; most are not, and it takes long to try them all."""
    return _PLAIN.fullmatch(name) is not None and _SHELL_OF_WORDS.search(name) is None


def _last(name: str) -> str:
    return name.rpartition(".")[2].rpartition("::")[2]


def _web_function(function: str, file: str) -> str:
    """Unify one function's names in engines: `Object.total`, `total`, `Cart.prototype.total/<`."""
    name = function.strip()
    for _ in range(4):
        before = name
        name = _WEB_INNER.sub("", name)
        for pattern, inner in _WEB_SHELLS:
            name = pattern.sub(inner, name)
        if name == before:
            break
    if _NAMELESS.fullmatch(name) or _NAMELESS.fullmatch(_last(name)):
        return ""
    name = _WEB_OWNER.sub("", _INDEX.sub("", name))
    if _NAMELESS.fullmatch(name) or (is_minified(file) and _MINIFIED_NAME.fullmatch(name)):
        return ""
    return name


def _without_parameters(name: str) -> str:
    """Shorten `ns::f<int>(char const*) const` to `ns::f`; keep `(*Cart).Total` and `operator()`."""
    if "(" not in name and "<" not in name:
        return name
    if ")." in name and (method := _RECEIVER.sub(r"\1.", name)) != name:
        return method
    if name[0] in "<-+{" or " in " in name or "[as " in name or "operator" in name:
        return name
    if "__" in name and _BY_COMPILER.search(name):
        return name
    head = name.partition("(")[0].rstrip() or name
    while (shorter := re.sub(r"<[^<>]*>", "", head)) != head and shorter:
        head = shorter
    return head.rpartition(" ")[2] or head


def _enclosing(module: str) -> str:
    """Return the function behind a generated class: `Cart$total$1` (Kotlin), `<Total>d__4`."""
    if found := re.search(r"<(\w+)>d__\d+", module):
        return found[1]
    found = COROUTINE_CLASS.match(module) or GROOVY_CLOSURE.match(module)
    return found["function"] if found else ""
