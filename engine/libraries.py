"""Which frames are a dependency's or the runtime's, whatever `in_app` says."""

import re
from functools import lru_cache

_INSTALLED = """
node_modules bower_components site-packages dist-packages vendor gems pods
.m2 .gradle .cargo .rustup rustc .pub-cache .nuget .pnpm .yarn
"""
_DIRECTORIES = frozenset(_INSTALLED.split())
"""Where dependencies are installed."""

_RUNTIME = re.compile(
    r"(?:^|/)(?:lib(?:64)?/python\d|lib/ruby/|pkg/mod/|usr/local/go/|usr/include/|usr/lib/)"
    r"|/~/"  # webpack 1 writes node_modules so
    r"|@v\d+\.\d+[^/]*/"  # a Go module
    r"|^(?:node:|deno:|wasm:|internal/|native |\[|<|\(?webpack\)?/|external )"
)
"""Where runtimes and build tools keep their own code; `<anonymous>`, `<frozen os>`, `[native]`."""

_PACKAGES = re.compile(
    r"^(?:java|javax|jdk|sun|com/sun|kotlin|kotlinx|scala|groovy|clojure|android|androidx|dalvik"
    r"|jakarta|junit|microsoft|system|com/android|org/junit|org/hamcrest|org/testng"
    r"|org/gradle|org/springframework|org/hibernate|org/eclipse/jetty"
    r"|org/apache/(?:catalina|coyote|tomcat|maven|tools/ant)|io/netty|reactor/core)/"
)
"""Packages that ship with a runtime, a framework or a test runner."""


@lru_cache(maxsize=4096)
def is_library(file: str | None, module: str | None) -> bool:
    """Is it certain that this frame is not the application's own?"""
    if file:
        path = file.replace("\\", "/").lower()
        path = path.partition("://")[2].lstrip("/") if "://" in path else path
        if _RUNTIME.search(path) or not _DIRECTORIES.isdisjoint(path.split("/")[:-1]):
            return True
        if "/" in path:
            return _PACKAGES.match(path) is not None
    if module:
        return _PACKAGES.match(module.lower().replace(".", "/") + "/") is not None
    return False
