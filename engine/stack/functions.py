"""Name functions alike in stack frames and hunk headers, in every language.

A name is compared by its last part in lower case: `Cart.total`, `Cart::total`, `cart#total`,
`(*Cart).Total` and `public int total(List<Item> items) {` are all `total`.
"""

import re
from functools import lru_cache

from engine.stack.names import function_name

_ALIAS = re.compile(r"\s*\[as ([\w$.]+)\]\s*$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_ANGLES = re.compile(r"<[^<>]*>")
_CONSTRUCTOR = re.compile(r"(?:<(?:cl)?init>|\.c?ctor)$")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_LEADING = re.compile(
    r"^(?:(?:async|new|get|set|static|bound|block(?: \(\d+ levels\))? in|rescue in|ensure in"
    r"|def|function\*?|fn|func|fun)\s+)+"
)
_OF_OBJECTIVE_C = re.compile(r"[-+]\[\S+ (\w+)")
_SEPARATOR = re.compile(r"\.|:+|#|/|\\|->|[$+]")
_NO_NAME = re.compile(r"^(?:\d+|func\d+|lambda|closure|anonymous|object)$")
_NAME = re.compile(r"[^\W\d]\w*[?!=]?")

_DECLARED = re.compile(
    r"\b(?:def|function\*?|fn|func|fun|sub|class|interface|struct(?!\s+\w+\s*\*)|trait|impl|module"
    r"|object|enum|record|type|defp?|defn-?|defmodule)\s+(?:\([^)]*\)\s*)?(?:\w+(?:\.|::|:(?=\w+\()))*"
    r"([^\W\d]\w*[?!]?)"
)
_ASSIGNED = re.compile(r"\b(?:const|let|var|val|readonly)\s+([^\W\d]\w*)\s*(?::[^=]+)?(?:=|\bby\b)")
_BOUND = re.compile(
    r"^\s*(?:[\w$]+\.)*([^\W\d]\w*)\s*(?:[:=]|<-)\s*(?:async\b|function\b|\(|\w+\s*=>)"
)
_CALLED = re.compile(r"([^\W\d][\w$]*[?!]?)\s*\(")
_RESERVED = """
if for while switch catch return else elif with match case new throw synchronized using sizeof
typeof await yield and or not in is super
"""
_KEYWORDS = frozenset(_RESERVED.split())


@lru_cache(maxsize=4096)
def frame_functions(function: str | None, module: str | None, file: str | None) -> tuple[str, ...]:
    """Return the names under which a frame's function may be declared, as they are written.

    A constructor is declared under the name of its class, or as `constructor`; an alias (`Cart.a
    [as total]`) is a name as well. The result is empty if the function has no name.
    """
    if not function:
        return ()
    text = function.strip()
    names: list[str] = []
    if alias := _ALIAS.search(text):
        names.append(_last_name(alias.group(1)))
        text = text[: alias.start()]
    if constructor := _CONSTRUCTOR.search(text):
        owner = text[: constructor.start()] or module or (file or "").rpartition(".")[0]
        names.append(_last_name(owner))
    elif text.startswith("new "):
        names += (_last_name(text), "constructor")
    else:
        names.append(_last_name(function_name(file, module, text)) or _last_name(text))
    return tuple(dict.fromkeys(name for name in names if name))


def _last_name(text: str) -> str:
    """Return the last part of a qualified name that is a name, or an empty string."""
    if method := _OF_OBJECTIVE_C.match(text):
        return method.group(1)
    text = _LEADING.sub("", _RUST_HASH.sub("", text.strip())).replace("(*", "")
    text = _BRACKETS.sub("", text.partition("(")[0] or text)
    while text != (text := _ANGLES.sub("", text)):
        pass
    for part in reversed(_SEPARATOR.split(text)):
        name = part.strip(" ()*&<>{}~,;:")
        if _NAME.fullmatch(name) and not _NO_NAME.match(name.lower()):
            return name
    return ""


@lru_cache(maxsize=16384)
def changed_functions(header: str) -> frozenset[str]:
    """Return the names in a commit's text on one function: a bare name, or a hunk header's text."""
    text = header.strip()
    if _NAME.fullmatch(text):
        return frozenset((text.lower(),))
    found = set(_DECLARED.findall(text)) | set(_ASSIGNED.findall(text)) | set(_BOUND.findall(text))
    if not found:
        found = set(_CALLED.findall(text.partition("=")[0]))
    if not found and (_OF_OBJECTIVE_C.match(text) or " " not in _LEADING.sub("", text)):
        found = {_last_name(text)}
    return frozenset(name.lower() for name in found if name) - _KEYWORDS
