"""Faults of srcdiff itself: told apart from the user's, with the statement that was being worked on."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from srcdiff.errors import InternalError, Problem, SrcdiffError, TooDeep, UnsupportedSyntax

__all__ = ["guarded"]

P = ParamSpec("P")
R = TypeVar("R")


def guarded(*signals: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let nothing out of a stage but errors that speak to the user; ``signals`` are the stages' own."""

    own: tuple[type[Exception], ...] = (SrcdiffError, *signals)

    def decorate(stage: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(stage)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return stage(*args, **kwargs)
            except own:
                raise
            except RecursionError:
                raise TooDeep(too_deep(args)) from None
            except IndentationError:  # of a text: Python has 100 levels, and no stack would help
                raise UnsupportedSyntax(too_deep(args)) from None
            except Exception as e:
                raise fault(e, args) from e

        return run

    return decorate


def subject(args: tuple[Any, ...]) -> str:
    """The name of the function that was being differentiated."""
    first = args[0] if args else None
    return str(getattr(first, "__name__", None) or getattr(first, "name", None) or "the function")


def too_deep(args: tuple[Any, ...]) -> Problem:
    return Problem(
        "recursion", f"{subject(args)} nests too deeply",
        note="expressions, calls and loops inside one another are read in place",
        help="split the function: give parts of the expression a name, or move them into a loop",
    )  # fmt: skip


def fault(e: Exception, args: tuple[Any, ...]) -> InternalError:
    file, line, text = statement_of(e.__traceback__)
    return InternalError(
        Problem(
            "internal", f"srcdiff failed on {subject(args)} ({type(e).__name__}: {e})",
            file, line, len(text) - len(text.lstrip()), len(text), text,
            note="this is a bug in srcdiff, not in your function; it was at work on this statement"
            if file else "this is a bug in srcdiff, not in your function",
            help="please report it with the function and its arguments; writing the statement in another way "
            "may help meanwhile",
        )
    )  # fmt: skip


def frames(tb: types.TracebackType | None) -> Iterator[types.FrameType]:
    out = []
    while tb is not None:
        out.append(tb.tb_frame)
        tb = tb.tb_next
    yield from reversed(out)


def statement_of(tb: types.TracebackType | None) -> tuple[str, int, str]:
    """The user's statement that the stage was at work on: what its frames know of origins and places."""
    for frame in frames(tb):
        for v in frame.f_locals.values():
            source = getattr(getattr(v, "frame", None), "source", None)
            line = getattr(getattr(v, "node", None), "lineno", 0)
            if source is not None and 0 < line <= len(source.lines):
                return source.file, line, source.lines[line - 1]
            origin = getattr(v, "origin", None)
            if origin is not None and getattr(origin, "file", None):
                return origin.file, origin.line, origin.text
    return "", 0, ""
