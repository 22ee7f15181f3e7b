"""What to tell git so that it names the function of a hunk in its header.

git knows how functions begin in many languages, but not which file is in which language. That is
set in .gitattributes, which few repositories have. What a repository sets itself takes precedence
over what is set here.
"""

_BUILT_IN = {
    "python": "py pyi pyx",
    "ruby": "rb rake",
    "golang": "go",
    "rust": "rs",
    "java": "java",
    "kotlin": "kt kts",
    "csharp": "cs",
    "php": "php",
    "cpp": "c cc cpp cxx h hh hpp hxx",
    "objc": "m mm",
    "elixir": "ex exs",
    "perl": "pl pm",
    "bash": "sh bash",
}
_OURS = {
    "pushlog-web": "js jsx ts tsx mjs cjs mts cts vue svelte",
    "pushlog-other": "swift scala dart lua groovy",
}

ATTRIBUTES = "".join(
    f"*.{extension} diff={driver}\n"
    for driver, extensions in {**_BUILT_IN, **_OURS}.items()
    for extension in extensions.split()
)
"""As in .gitattributes."""

# One pattern per line; patterns with "!" exclude. They are POSIX, so that any git reads them.
_SPACE = "[ \t]"
_NAME = "[A-Za-z0-9_$]+"
_NO_FUNCTION = (
    f"!^{_SPACE}*(if|else|for|while|switch|catch|return|do|try|with|new|await)[^A-Za-z0-9_]"
)

DRIVERS = {
    "pushlog-web": "\n".join(
        (
            _NO_FUNCTION,
            f"^{_SPACE}*(((export|default|abstract|async){_SPACE}+)*(function|class)[ \t*].*)$",
            f"^{_SPACE}*((export{_SPACE}+)?(const|let|var){_SPACE}+{_NAME}[^=]*={_SPACE}*"
            f"(async{_SPACE}*)?(function|\\(|{_NAME}{_SPACE}*=>).*)$",
            f"^{_SPACE}*((static{_SPACE}+)?[A-Za-z0-9_$.#]+{_SPACE}*[:=]{_SPACE}*(async{_SPACE}*)?"
            f"(function.*|\\(.*=>.*|{_NAME}{_SPACE}*=>.*))$",
            f"^{_SPACE}*(((public|private|protected|static|async|get|set|override){_SPACE}+)*"
            f"[*#]?{_NAME}(<.*>)?\\(.*\\)[^;=]*\\{{){_SPACE}*$",
        )
    ),
    "pushlog-other": "\n".join(
        (
            _NO_FUNCTION,
            f"^{_SPACE}*(([A-Za-z@]+{_SPACE}+)*(func|def|function|class|object|trait|struct|enum)"
            f"{_SPACE}+.*)$",
            f"^{_SPACE}*([A-Za-z0-9_<>?,]+{_SPACE}+[A-Za-z0-9_]+\\(.*\\{{){_SPACE}*$",
        )
    ),
}
"""How functions begin where git does not know it, as ``diff.<driver>.xfuncname``."""
