"""Decide which frames belong to a dependency or the runtime, whatever `in_app` says."""

import re
from functools import lru_cache

_INSTALLED = """
node_modules bower_components site-packages dist-packages gems
.m2 .gradle .cargo .rustup rustc .pub-cache .nuget .pnpm .yarn
"""
_DIRECTORIES = frozenset(_INSTALLED.split())
"""Where dependencies are installed."""

_RUNTIME = re.compile(
    r"(?:^|/)(?:lib(?:64)?/python\d|lib/ruby/|pkg/mod/|usr/local/go/|usr/include/|usr/lib/)"
    # A shop has vendors too, so this takes only what package managers put below such a folder.
    r"|(?:^|/)vendor/(?:bundle/|composer/|[^/]+\.[a-z]+/|[^/]+/[^/]+/(?:src|lib)/)"
    r"|/~/"  # node_modules in webpack 1
    r"|@v\d+\.\d+[^/]*/"  # a Go module
    r"|^internal/(?:process|modules|timers|bootstrap|main|streams|deps|webstreams|async_hooks)\b"
    r"|^(?:node:|deno:|wasm:|native |\[|<|\(?webpack\)?/|external )"
)
"""Where runtimes and build tools keep their own code; `<anonymous>`, `<frozen os>`, `[native]`."""

_PACKAGES = re.compile(
    r"^(?:java/(?:awt|beans|io|lang|math|net|nio|rmi|security|sql|text|time|util)|javax|jakarta"
    r"|jdk|sun|com/sun|kotlin|kotlinx|scala|groovy|clojure|android|androidx|dalvik|com/android"
    r"|junit|org/junit|org/hamcrest|org/testng|org/gradle|org/springframework|org/hibernate"
    r"|org/eclipse/jetty|org/apache/(?:catalina|coyote|tomcat|maven|tools/ant)|io/netty"
    r"|reactor/core|System|Microsoft)/"
)
"""Packages that ship with a runtime, a framework or a test runner, as they are written."""


@lru_cache(maxsize=4096)
def is_library(file: str | None, module: str | None) -> bool:
    """Return whether this frame is certainly not the application's own."""
    if file:
        path = file.replace("\\", "/")
        path = path.partition("://")[2].lstrip("/") if "://" in path else path
        low = path.lower()
        if _RUNTIME.search(low) or not _DIRECTORIES.isdisjoint(low.split("/")[:-1]):
            return True
        if "/" in path:
            return _PACKAGES.match(path) is not None
    if module:
        return _PACKAGES.match(module.replace(".", "/") + "/") is not None
    return False
