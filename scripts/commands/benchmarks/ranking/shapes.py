r"""The same cases as other platforms would give them.

Java's frames name a file by its package. Those of other platforms have the folders of a container,
a bundler or a Windows machine, and stand between frames of libraries, which say nothing about the
application.
"""

from collections.abc import Callable

from msgspec.structs import replace

from scripts.commands.benchmarks.ranking.cases import Shape, window_of
from shared.event import Event, Frame


def _reshaped(
    event: Event, own: Callable[[Frame], Frame], extension: str, libraries: list[Frame]
) -> Event:
    """Rewrite own frames, and put one of `libraries` after each in place of the others' frames."""
    frames: list[Frame] = []
    for number, frame in enumerate(event.stacktrace):
        library = libraries[number % len(libraries)]
        if frame.in_app:
            frames.append(own(frame))
        frames.append(library)
    window = window_of(event)
    commits = [
        replace(commit, files=[_with_extension(path, extension) for path in commit.files])
        for commit in window.commits
    ]
    return replace(event, stacktrace=frames[:200], change_window=replace(window, commits=commits))


def _with_extension(path: str, extension: str) -> str:
    return path.removesuffix(".java") + extension if path.endswith(".java") else path


def as_python(event: Event) -> Event:
    """Rewrite as `/app/src/org/…/Cart.py`, among frames of site-packages and of the interpreter."""
    return _reshaped(
        event,
        lambda frame: Frame(
            file="/app/src/" + _with_extension(frame.file or "", ".py"),
            module=(frame.module or "").partition("$")[0] or None,
            function=frame.function,
            line=frame.line,
            in_app=True,
        ),
        ".py",
        [
            Frame(
                file="/usr/local/lib/python3.12/site-packages/django/core/handlers/base.py",
                function="_get_response",
                in_app=False,
            ),
            Frame(file="<frozen importlib._bootstrap>", function="_find_and_load", in_app=False),
            Frame(file="<string>", function="<module>", in_app=False),
        ],
    )


def as_javascript(event: Event) -> Event:
    """Rewrite as `webpack:///./src/org/…/Cart.ts?4f2a`, functions with class, no `in_app`."""
    return _reshaped(
        event,
        lambda frame: Frame(
            file="webpack:///./src/" + _with_extension(frame.file or "", ".ts") + "?4f2a",
            function=_javascript_function(frame),
            line=frame.line,
        ),
        ".ts",
        [
            Frame(file="webpack:///./node_modules/express/lib/router/layer.js", function="handle"),
            Frame(file="<anonymous>", function="new Promise"),
            Frame(file="node:internal/process/task_queues", function="processTicksAndRejections"),
        ],
    )


def _javascript_function(frame: Frame) -> str:
    owner = (frame.module or "Object").rpartition(".")[2].partition("$")[0]
    return f"new {owner}" if frame.function == "<init>" else f"{owner}.{frame.function}"


def as_windows(event: Event) -> Event:
    r"""Rewrite as `C:\agent\work\src\org\…\Cart.cs`, functions with namespace and class."""
    return _reshaped(
        event,
        lambda frame: Frame(
            file="C:\\agent\\work\\src\\"
            + _with_extension(frame.file or "", ".cs").replace("/", "\\"),
            function=f"{frame.module}.{frame.function}".replace("$", "+"),
            line=frame.line,
            in_app=True,
        ),
        ".cs",
        [
            Frame(
                file="C:\\Users\\agent\\.nuget\\packages\\autofac\\6.0\\Resolve.cs",
                function="Autofac.Resolve",
                in_app=False,
            )
        ],
    )


SHAPES: dict[str, Shape] = {
    "Python": as_python,
    "JavaScript": as_javascript,
    "Windows": as_windows,
}
