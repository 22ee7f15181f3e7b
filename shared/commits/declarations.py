"""Find which function or type a line of source code declares, in each language.

This is no parser, because a hunk shows only lines. It recognises how each language begins a
declaration on one line, as its formatters write it. Anything that looks like a call or a control
structure is not a declaration. A wrong name costs little: it is compared with the functions of a
stack trace, and is not found there.

This runs on any Python from 3.8 on with nothing installed: `scripts/announce-deploy` uses it in CI.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Finder = Callable[[str], str | None]

MAX_LINE = 400
"""How many characters of a line are read: a declaration is at its beginning."""

_KEYWORD = re.compile(
    r"(?:if|for|while|switch|catch|return|else|elif|elseif|with|match|case|new|throw|synchronized"
    r"|using|sizeof|typeof|await|yield|and|or|not|in|is|super|do|try|when|until|unless|foreach"
    r"|lock|fixed|delete|assert|print|goto|function)"
)
_MODIFIERS = (
    r"(?:(?:public|private|protected|internal|fileprivate|static|final|abstract|sealed|partial|open"
    r"|inline|data|value|export|default|override|implicit|case|companion|readonly|unsafe)\s+)*"
)
_TYPE = re.compile(
    rf"\s*{_MODIFIERS}(?:class|interface|enum(?:\s+class)?|record|struct|object|trait|protocol"
    r"|extension|actor|mixin|@interface)\s+(\w+)"
)
_ANNOTATIONS = re.compile(r"\s*(?:@\w[\w.]*(?:\([^()]*\))?\s+|\[[^\[\]]*\]\s*(?=\w))*")
_ARROW = (
    r"(?:async\s*)?(?:function\b|[\w$]+\s*=>|(?:<[\w\s,.<>]*>\s*)?"
    r"(?:\([^()]*\)\s*(?::[^=]+)?=>|\([^()]*$))"
)
_ARGUMENTS = re.compile(r"<[^<>]*>")
_A_RESULT = re.compile(r"[\s*&]+[\w:~]+\s*\(")
"""After `struct cart`, if that is what a function returns."""


def _first_of(*patterns: str) -> Finder:
    """Return the first matched group of the first pattern that fits the beginning of a line."""
    compiled = [re.compile(pattern) for pattern in patterns]

    def find(line: str) -> str | None:
        for pattern in compiled:
            match = pattern.match(line)
            if match is not None:
                name = next(group for group in match.groups() if group)
                if not _KEYWORD.fullmatch(name):
                    return name
        return None

    return find


def _typed(line: str) -> str | None:
    """Find a name that follows a type: `static int *total(`, `Money Cart::total() const {`."""
    declared = _TYPE.match(line)
    if declared is not None and not _A_RESULT.match(line[declared.end() :]):
        return declared.group(1)
    text = line[_match_end(_ANNOTATIONS, line) :].rstrip()
    head, bracket, _ = text.partition("(")
    if not bracket or "=" in head or text.endswith(";") or head.lstrip().startswith(("#", ".")):
        return None
    while head != (head := _ARGUMENTS.sub("", head)):
        pass
    parts = head.replace("operator ", "operator").split()
    if len(parts) > 1:
        parts = [part for part in parts if part != "synchronized"]
    if not parts or any(_KEYWORD.fullmatch(part) for part in parts):
        return None
    name = parts[-1].lstrip("*&").rpartition("::")[2].rpartition(".")[2]
    # A single word is a call, unless it is a constructor with its body.
    is_constructor = name[:1].isupper() and text.endswith("{")
    if len(parts) == 1 and not is_constructor and "::" not in head:
        return None
    return name if re.fullmatch(r"~?[^\W\d]\w*", name) else None


def _declared_or_typed(pattern: str) -> Finder:
    """Return the first group of the pattern or, where it does not fit, what follows a type."""
    compiled = re.compile(pattern)

    def find(line: str) -> str | None:
        match = compiled.match(line)
        return match.group(1) if match is not None else _typed(line)

    return find


_PYTHON = _first_of(r"\s*(?:async\s+)?(?:def|class)\s+(\w+)")
_RUBY = _first_of(
    r"\s*(?:(?:private|protected|public|private_class_method|memoize)\s+)?"
    r"def\s+(?:\w+\.)?(\w+[?!=]?|[\[\]<>=+*/-]+)",
    r"\s*(?:class|module)\s+(?:\w+::)*([A-Z]\w*)",
)
_WEB = _first_of(
    r"\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*([\w$]+)",
    r"\s*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+([\w$]+)",
    rf"\s*(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*(?::[^=]+)?=\s*{_ARROW}",
    r"\s*(?:export\s+)?const\s+([\w$]+)\s*=\s*(?:\w+\.)?(?:memo|forwardRef|useCallback|useMemo)\(",
    r"\s*(?:(?:public|private|protected|static|readonly|override)\s+)*(?:[\w$]+\.)*#?([\w$]+)\s*"
    rf"(?:[?!]?:[^=()]+=|[:=])\s*{_ARROW}",
    r"\s*(?:(?:public|private|protected|static|async|override|get|set)\s+)*\*?\s*#?([\w$]+)\s*"
    r"(?:<[^<>]*>)?\([^;]*\)\s*(?::[^={]+)?\{\s*$",
)
_GO = _first_of(r"func\s+(?:\([^()]*\)\s*)?(\w+)", r"type\s+(\w+)\s")
_RUST = _first_of(
    r"\s*(?:pub(?:\([^()]*\))?\s+)?(?:(?:default|const|async|unsafe|extern(?:\s+\"[^\"]*\")?)\s+)*"
    r"(?:fn|struct|enum|trait|union|mod)\s+(\w+)",
    r"\s*(?:unsafe\s+)?impl\b(?:<[^{]*?>)?\s+(?:[^{]*\s+for\s+)?(?:\w+::)*(\w+)",
)
_KOTLIN = _first_of(
    r"\s*(?:\w+\s+)*fun\s+(?:<[^<>]*>\s*)?(?:[\w<>?.]+\.)?(\w+)\s*\(", _TYPE.pattern
)
_SWIFT = _first_of(
    r"\s*(?:@?\w+(?:\([^()]*\))?\s+)*func\s+(\w+)", r"\s*(?:\w+\s+)*(init)[?!]?\(", _TYPE.pattern
)
_SCALA = _first_of(r"\s*(?:\w+(?:\[\w+\])?\s+)*def\s+(\w+)", _TYPE.pattern)
_PHP = _first_of(r"\s*(?:\w+\s+)*function\s+&?\s*(\w+)", _TYPE.pattern)
_ELIXIR = _first_of(r"\s*(?:defp?|defmacrop?)\s+(\w+[?!]?)", r"\s*defmodule\s+(?:\w+\.)*(\w+)")
_PERL = _first_of(r"\s*sub\s+(\w+)")
_LUA = _first_of(
    r"\s*(?:local\s+)?function\s+(?:\w+[.:])*(\w+)", r"\s*(?:\w+\.)*(\w+)\s*=\s*function\b"
)
_SHELL = _first_of(r"\s*(?:function\s+)?([\w-]+)\s*\(\)", r"\s*function\s+([\w-]+)")
_CLOJURE = _first_of(r"\s*\(def(?:n-?|macro|method|multi|type|record)\s+([^\s\[\]()]+)")


_FSHARP = _first_of(
    r"\s*(?:static\s+|default\s+|override\s+|abstract\s+)?(?:member\s+)(?:\w+\.)?(\w+)",
    r"\s*let\s+(?:rec\s+|inline\s+|private\s+|mutable\s+)*(\w+)\s+[^=\s].*=",
)
_BASIC = _first_of(r"\s*(?:\w+\s+)*(?:Function|Sub|Property)\s+(\w+)", _TYPE.pattern)
_ERLANG = _first_of(r"([a-z]\w*)\(.*\)\s*(?:when\s.*)?->")
_JULIA = _first_of(r"\s*(?:function|macro)\s+(?:\w+\.)*(\w+!?)", r"(\w+!?)\([^=]*\)\s*=[^=]")
_R = _first_of(r"\s*([\w.]+)\s*(?:<-|=)\s*function\b")
_OCAML = _first_of(r"\s*(?:let|and)\s+(?:rec\s+)?(\w+)\s+[^=\s].*=", r"\s*module\s+(\w+)")
_NIM = _first_of(r"\s*(?:proc|func|method|iterator|template|macro)\s+(\w+)")
_OBJECTIVE_C = _declared_or_typed(r"[-+]\s*\([^()]*\)\s*(\w+)")
_GROOVY = _declared_or_typed(rf"\s*{_MODIFIERS}def\s+(\w+)\s*\(")


_FINDERS: dict[str, Finder] = {
    extension: finder
    for extensions, finder in (
        ("py pyx pyi", _PYTHON),
        ("rb rake cr", _RUBY),
        ("js jsx ts tsx mjs cjs mts cts vue svelte", _WEB),
        ("go", _GO),
        ("rs zig", _RUST),
        ("java c h cc cpp cxx hh hpp hxx cs dart ino", _typed),
        ("m mm", _OBJECTIVE_C),
        ("groovy gradle", _GROOVY),
        ("kt kts", _KOTLIN),
        ("swift", _SWIFT),
        ("scala sc", _SCALA),
        ("php sol", _PHP),
        ("ex exs", _ELIXIR),
        ("pl pm", _PERL),
        ("lua", _LUA),
        ("sh bash", _SHELL),
        ("clj cljs cljc", _CLOJURE),
        ("fs fsx", _FSHARP),
        ("vb", _BASIC),
        ("erl hrl", _ERLANG),
        ("jl", _JULIA),
        ("r", _R),
        ("ml", _OCAML),
        ("nim", _NIM),
    )
    for extension in extensions.split()
}


def finder_for(path: str) -> Finder | None:
    """Return the finder of declarations in this file's lines, or None if it has no functions."""
    return _FINDERS.get(path.rpartition("/")[2].rpartition(".")[2].lower())


def _match_end(pattern: re.Pattern[str], line: str) -> int:
    match = pattern.match(line)
    return match.end() if match is not None else 0
